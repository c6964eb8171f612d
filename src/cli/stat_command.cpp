#include <charconv>
#include <limits>

#include "cli/commands.h"
#include "utilities/notice.h"
#include "utilities/stat.h"

namespace nsq::cli {
namespace {

// Decimal, of 32 bits: other than with the flags that are plain integers.
Result<std::int64_t> parse_count(std::string_view text) {
  if (text.starts_with('+') && !text.starts_with("+-")) text.remove_prefix(1);
  std::int32_t count = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), count);
  if (error == std::errc::result_out_of_range) return Error(CliErrc::OutOfRange, "");
  if (error != std::errc() || end != text.data() + text.size()) {
    return Error(CliErrc::ParseError, "");
  }
  return std::int64_t{count};
}

}  // namespace

int run_stat(const Invocation& invocation) {
  utilities::StatOptions options;
  FlagTable flags(
      "nsq_stat",
      "Prints the rates and the state of a channel, summed up over all its daemons; without a "
      "channel, an overview of all topics and channels.");
  flags.group("Output")
      .add("topic", options.topic, "topic",
           "the channel's topic, or the one to give an overview of")
      .add("channel", options.channel, "channel", "the channel; without it there is an overview")
      .add("interval", options.interval, "between two reports, of which the rates are averages")
      .add_row("count", Kind::Special, "reports", "", "stop after so many; by default never",
               [&options](std::string_view text) -> Result<void> {
                 const auto count = parse_count(text);
                 if (!count) return count.error();
                 options.count = *count;
                 return {};
               })
      .add("once", options.once, "one overview at once, which has no rates yet")
      .add("json", options.json, "overviews as lines of JSON");
  flags.group("Source")
      .add("nsqd-http-address", options.nsqd_http_address, "host:port", "a daemon")
      .add("lookupd-http-address", options.lookupd_http_address, "host:port",
           "a lookupd that knows the daemons")
      .add("http-client-connect-timeout", options.http_client_connect_timeout,
           "for connecting to a daemon or lookupd")
      .add("http-client-request-timeout", options.http_client_request_timeout,
           "for a whole request to one");

  flags
      .example("--lookupd-http-address=127.0.0.1:4161", "All topics and channels, and their rates.")
      .example("--topic=orders --channel=billing --nsqd-http-address=127.0.0.1:4151",
               "One channel, a line every two seconds.");

  Remarks remarks;
  if (const auto status = read_command_line(flags, invocation, remarks)) return *status;
  for (const std::string& warning : remarks.warnings) utilities::notice("Warning: " + warning);
  return utilities::stat(options);
}

}  // namespace nsq::cli
