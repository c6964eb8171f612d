#include <fmt/format.h>

#include "cli/commands.h"
#include "utilities/notice.h"
#include "utilities/pub.h"

namespace nsq::cli {

int run_pub(const Invocation& invocation) {
  utilities::PubOptions options;
  options.user_agent = fmt::format("to_nsq/{0} nsq/{0}", version());

  FlagTable flags("to_nsq", "Publishes each line of standard input as a message.");
  flags.group("Message")
      .add("topic", options.topic, "topic", "publish to this topic")
      .add_row("delimiter", Kind::Text, "byte", "newline",
               "the byte that ends a message; empty messages are left out",
               [&options](std::string_view text) -> Result<void> {
                 options.delimiter = text;
                 return {};
               })
      .add("rate", options.rate, "messages", "per second, at most; 0 for no limit");
  flags.group("Destination")
      .add("nsqd-tcp-address", options.nsqd_tcp_address, "host:port",
           "a daemon; each gets every message");

  Remarks remarks;
  if (const auto status = read_command_line(flags, invocation, remarks)) return *status;
  for (const std::string& warning : remarks.warnings) utilities::notice("Warning: " + warning);
  return utilities::pub(options);
}

}  // namespace nsq::cli
