#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/log.h"
#include "cli/client_flags.h"
#include "cli/commands.h"
#include "utilities/notice.h"
#include "utilities/to_file.h"

namespace nsq::cli {
namespace {

void add_topics(FlagTable& flags, utilities::ToFileOptions& options) {
  flags.group("Topic")
      .add("topic", options.topic, "topic", "a topic to archive")
      .add("topic-pattern", options.topic_pattern, "regexp",
           "archive all topics the lookupds know whose names this matches anywhere, also those to "
           "come; with -topic only these of them")
      .add("topic-refresh", options.topic_refresh,
           "between two looks for new topics, and for those that could not be started")
      .add("channel", options.channel, "channel",
           "the channel of each topic; several archives of one channel share its messages");
}

void add_source_options(FlagTable& flags, utilities::ToFileOptions& options) {
  flags.group("Source");
  add_source(flags, options.source);
  flags.add("max-in-flight", options.max_in_flight, "messages",
            "received and not yet on the disk, at most, per topic; so many make a sync");
  add_client_options(flags, "consumer-opt", options.consumer);
  flags
      .add("http-client-connect-timeout", options.http_client_connect_timeout,
           "for connecting to a lookupd that is asked for topics")
      .add("http-client-request-timeout", options.http_client_request_timeout,
           "for the whole of such a question");
}

void add_files(FlagTable& flags, utilities::ToFileOptions& options) {
  flags.group("File")
      .add("output-dir", options.archive.output_dir, "directory", "where finished files are")
      .add("work-dir", options.archive.work_dir, "directory",
           "where files are written, to be moved when they are finished; on the same file system. "
           "By default they are written in output-dir")
      .add("filename-format", options.names.filename_format, "format",
           "names of files, with <TOPIC>, <HOST>, <PID>, <DATETIME>, and <REV> for a number where "
           "files have one; may contain '/'")
      .add("datetime-format", options.names.datetime_format, "format",
           "of <DATETIME>, in local time, with %Y %y %m %d %H %I %M %S %B %b %A %a %p %Z %z")
      .add("host-identifier", options.names.host_identifier, "text",
           "of <HOST>; may contain <SHORT_HOST> (the default) and <HOSTNAME>")
      .add("gzip", options.archive.gzip, "compress, and end names in .gz")
      .add("gzip-level", options.archive.gzip_level, "level", "from 1, fast, to 9, small");
  flags.group("Rotation")
      .add("rotate-size", options.archive.rotate_size, "bytes",
           "a new file after more than so much text, before compression; 0 for never")
      .add("rotate-interval", options.archive.rotate_interval,
           "a new file when one is older; 0 for never")
      .add("skip-empty-files", options.archive.skip_empty_files,
           "make no file before there is a message for it")
      .add("sync-interval", options.sync_interval,
           "between two syncs, which finish messages, and looks whether a new file is due");
}

}  // namespace

int run_to_file(const Invocation& invocation) {
  utilities::ToFileOptions options;
  FlagTable flags("nsq_to_file",
                  "Appends the messages of topics to files, one line each. A message is finished "
                  "when it is on the disk.");
  add_topics(flags, options);
  add_source_options(flags, options);
  add_files(flags, options);
  flags.group("Log")
      .add("log-level", options.log_level, "level",
           "debug, info, warn, error or fatal; the client library's lines are apart from it")
      .words({"debug", "info", "warn", "error", "fatal"})
      .add("log-prefix", options.log_prefix, "text", "put before every line of the log");

  flags
      .example(
          "--topic=orders --output-dir=/data/archive \\\n"
          "        --lookupd-http-address=127.0.0.1:4161",
          "Archives a topic, with a file for each hour.")
      .example(
          "--topic-pattern=^log_ --gzip --rotate-size=1000000000 \\\n"
          "        --work-dir=/data/work --output-dir=/data/archive \\\n"
          "        --lookupd-http-address=127.0.0.1:4161",
          "Compresses all logs, in files of about a gigabyte of text, moved when they are done.");

  Remarks remarks;
  const auto find_mistake = [&](const std::vector<std::string>& positional) -> std::string {
    if (!positional.empty()) {
      return fmt::format("unknown arguments: [{}]", fmt::join(positional, " "));
    }
    return log::parse_level(options.log_level) ? "" : "--log-level is invalid";
  };
  if (const auto status = read_command_line(flags, invocation, remarks, find_mistake)) {
    return *status;
  }
  options.consumer.user_agent = fmt::format("nsq_to_file/{0} nsq/{0}", version());
  return utilities::to_file(options);
}

}  // namespace nsq::cli
