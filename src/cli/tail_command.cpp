#include <fmt/format.h>

#include "cli/commands.h"
#include "utilities/notice.h"
#include "utilities/tail.h"

namespace nsq::cli {

int run_tail(const Invocation& invocation) {
  utilities::TailOptions options;
  options.user_agent = fmt::format("nsq_tail/{0} nsq/{0}", version());

  FlagTable flags("nsq_tail", "Prints the messages of some topics to standard output.");
  flags.group("Output")
      .add("topic", options.topic, "topic", "a topic")
      .add("channel", options.channel, "channel",
           "take part in this channel, which finishes its messages for others too; by default a "
           "channel of its own, which disappears afterwards")
      .add("n", options.n, "messages", "stop when one topic has printed so many; 0 for never")
      .add("print-topic", options.print_topic, "begin each line with its topic");
  flags.group("Source")
      .add("nsqd-tcp-address", options.nsqd_tcp_address, "host:port", "a daemon")
      .add("lookupd-http-address", options.lookupd_http_address, "host:port",
           "a lookupd that knows the daemons")
      .add("max-in-flight", options.max_in_flight, "messages",
           "received and not yet printed, at most, per topic");

  Remarks remarks;
  if (const auto status = read_command_line(flags, invocation, remarks)) return *status;
  for (const std::string& warning : remarks.warnings) utilities::notice("Warning: " + warning);
  return utilities::tail(options);
}

}  // namespace nsq::cli
