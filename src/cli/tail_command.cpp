#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "cli/client_flags.h"
#include "cli/commands.h"
#include "utilities/notice.h"
#include "utilities/tail.h"

namespace nsq::cli {
namespace {

using utilities::MessageFormat;

Result<MessageFormat> parse_format(std::string_view text) {
  constexpr auto kWords =
      std::to_array<std::pair<std::string_view, MessageFormat>>({{"plain", MessageFormat::Plain},
                                                                 {"json", MessageFormat::Json},
                                                                 {"hex", MessageFormat::Hex}});
  const auto found = std::find_if(kWords.begin(), kWords.end(),
                                  [&](const auto& word) { return word.first == text; });
  if (found == kWords.end()) return Error(CliErrc::Unknown, "not plain, json or hex");
  return found->second;
}

}  // namespace

int run_tail(const Invocation& invocation) {
  utilities::TailOptions options;
  FlagTable flags("nsq_tail", "Prints the messages of some topics to standard output.");
  flags.group("Source")
      .add("topic", options.topic, "topic", "a topic")
      .add("channel", options.channel, "channel",
           "take part in this channel, which finishes its messages for others too; by default a "
           "channel of its own, which disappears afterwards");
  add_source(flags, options.source);
  flags.add("max-in-flight", options.max_in_flight, "messages",
            "received and not yet printed, at most, per topic");
  add_client_options(flags, "consumer-opt", options.consumer);
  flags.group("Output")
      .add("n", options.n, "messages", "stop when one topic has printed so many; 0 for never")
      .add("print-topic", options.print_topic, "begin each line with its topic")
      .add_row("format", Kind::Special, "word", "plain",
               "a message's line: its body as it is (plain), an object with id, timestamp (in "
               "nanoseconds), attempts, source, topic and body (json), or the body's bytes in "
               "hexadecimal (hex)",
               [&options](std::string_view text) -> Result<void> {
                 const auto format = parse_format(text);
                 if (!format) return format.error();
                 options.format = *format;
                 return {};
               })
      .words({"plain", "json", "hex"});

  flags
      .example("--topic=orders --lookupd-http-address=127.0.0.1:4161",
               "Prints what comes, until interrupted, and takes nothing from other consumers.")
      .example("--topic=orders --channel=me -n 10 --nsqd-tcp-address=127.0.0.1:4150",
               "Takes ten messages from the channel, and ends.")
      .example("--topic=orders --format=json --nsqd-tcp-address=127.0.0.1:4150 | jq .attempts",
               "Prints what comes as objects, for other programs to read.");

  Remarks remarks;
  if (const auto status = read_command_line(flags, invocation, remarks)) return *status;
  for (const std::string& warning : remarks.warnings) utilities::notice("Warning: " + warning);
  options.consumer.user_agent = fmt::format("nsq_tail/{0} nsq/{0}", version());
  return utilities::tail(options);
}

}  // namespace nsq::cli
