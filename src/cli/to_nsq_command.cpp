#include <fmt/format.h>

#include "cli/client_flags.h"
#include "cli/commands.h"
#include "utilities/notice.h"
#include "utilities/to_nsq.h"

namespace nsq::cli {

int run_to_nsq(const Invocation& invocation) {
  utilities::ToNsqOptions options;
  FlagTable flags(
      "nsq_to_nsq",
      "Publishes the messages of some topics to other daemons. A message is finished when "
      "its destination has stored it; otherwise it comes again, five times, or for ever "
      "with --consumer-opt=max_attempts,0.");
  flags.group("Source")
      .add("topic", options.topic, "topic", "a topic to read")
      .add("channel", options.channel, "channel", "the channel to read it through");
  add_source(flags, options.source);
  flags.add("max-in-flight", options.max_in_flight, "messages",
            "received and not yet stored at a destination, at most, per topic");
  add_client_options(flags, "consumer-opt", options.consumer);
  flags.group("Destination")
      .add("destination-nsqd-tcp-address", options.destination_nsqd_tcp_address, "host:port",
           "a daemon; each message goes to one of them")
      .add("destination-topic", options.destination_topic, "topic",
           "publish everything to this topic; by default to the one it comes from")
      .add(
          "mode", options.mode, "word",
          "which daemon gets a message: the next one that has not failed lately (hostpool), mostly "
          "one that answers fast (epsilon-greedy), or each in turn (round-robin)")
      .words({"hostpool", "epsilon-greedy", "round-robin"});
  add_client_options(flags, "producer-opt", options.producer);
  flags.group("Filter")
      .add("require-json-field", options.filter.require_json_field, "name",
           "forward only JSON objects with this member; drop all else")
      .add("require-json-value", options.filter.require_json_value, "text",
           "and only if that member is this text or number")
      .add("whitelist-json-field", options.filter.whitelist_json_field, "name",
           "forward JSON objects only, with no other members than those named so");
  flags.group("Report").add("status-every", options.status_every, "messages",
                            "between two reports of how long publishing took; 0 for none");

  flags
      .example(
          "--topic=orders --lookupd-http-address=127.0.0.1:4161 "
          "--destination-nsqd-tcp-address=10.0.0.2:4150",
          "Copies a topic to another daemon.")
      .example(
          "--topic=orders --nsqd-tcp-address=127.0.0.1:4150 "
          "--destination-nsqd-tcp-address=10.0.0.2:4150 --destination-topic=all",
          "The same under another name, from one daemon.")
      .example(
          "--topic=orders --require-json-field=country --require-json-value=fr "
          "--nsqd-tcp-address=127.0.0.1:4150 --destination-nsqd-tcp-address=10.0.0.2:4150",
          "Copies only those that are JSON objects with this country.");

  Remarks remarks;
  if (const auto status = read_command_line(flags, invocation, remarks)) return *status;
  for (const std::string& warning : remarks.warnings) utilities::notice("Warning: " + warning);
  options.consumer.user_agent = options.producer.user_agent =
      fmt::format("nsq_to_nsq/{0} nsq/{0}", version());
  return utilities::to_nsq(options);
}

}  // namespace nsq::cli
