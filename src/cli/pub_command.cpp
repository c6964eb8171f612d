#include <fmt/format.h>

#include "cli/client_flags.h"
#include "cli/commands.h"
#include "utilities/notice.h"
#include "utilities/pub.h"

namespace nsq::cli {

int run_pub(const Invocation& invocation) {
  utilities::PubOptions options;
  FlagTable flags(
      "to_nsq",
      "Publishes each line of standard input, or of a file, as a message. Status 0 means "
      "that every destination has acknowledged all of them.");
  flags.group("Input")
      .add("file", options.file, "path", "read this file instead of standard input")
      .add_row("delimiter", Kind::Text, "byte", "newline",
               "the byte that ends a message; empty messages are left out",
               [&options](std::string_view text) -> Result<void> {
                 options.delimiter = text;
                 return {};
               });
  flags.group("Message")
      .add("topic", options.topic, "topic", "publish to this topic")
      .add("rate", options.rate, "messages", "per second, at most; 0 for no limit")
      .add("defer", options.defer, "to be delivered so long after it is published")
      .add("batch", options.batch, "messages",
           "in one command, at most, if so many are read together; deferred ones go alone");
  flags.group("Destination")
      .add("nsqd-tcp-address", options.nsqd_tcp_address, "host:port",
           "a daemon; each gets every message");
  add_client_options(flags, "producer-opt", options.producer);

  flags
      .example("--topic=orders --nsqd-tcp-address=127.0.0.1:4150 < orders.txt",
               "Publishes each line of the file.")
      .example("--topic=orders --rate=100 --nsqd-tcp-address=127.0.0.1:4150",
               "Publishes what is typed, at most a hundred lines a second.")
      .example("--topic=orders --file=orders.txt --defer=10m --nsqd-tcp-address=127.0.0.1:4150",
               "Publishes each line of the file, to be delivered in ten minutes.");

  Remarks remarks;
  if (const auto status = read_command_line(flags, invocation, remarks)) return *status;
  for (const std::string& warning : remarks.warnings) utilities::notice("Warning: " + warning);
  options.producer.user_agent = fmt::format("to_nsq/{0} nsq/{0}", version());
  return utilities::pub(options);
}

}  // namespace nsq::cli
