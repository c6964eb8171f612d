#include <fmt/format.h>

#include <cstdio>

#include "check/check.h"
#include "check/dump.h"
#include "cli/commands.h"

namespace nsq::cli {

int run_check(const Invocation& invocation) {
  check::Options options;
  options.version = version();

  FlagTable flags(
      "nsq check",
      "Describes and verifies a data directory: topics, channels, depths, sizes, every checksum. "
      "Without --repair it writes nothing, and may be used beside a running daemon.");
  flags.group("Directory")
      .add("data-path", options.data_path, "path", "the daemon's --data-path")
      .add("topic", options.topic, "topic", "only this topic");
  flags.group("Output")
      .add("json", options.json, "the description as JSON")
      .add("dump", options.dump, "print the messages instead of a description")
      .add("channel", options.channel, "channel",
           "with --dump: only what this channel has not finished")
      .add("format", options.format, "format",
           "of --dump: plain (bodies, a line each), json (a line each) or hex")
      .words({"plain", "json", "hex"});
  flags.group("Repair").add(
      "repair", options.repair,
      "replace damaged files by what can be read of them; the originals are kept in the directory "
      "damaged-NUMBER beside them. Not while a daemon runs on the directory");

  flags.example("--data-path=/var/lib/nsq", "Is everything in order?")
      .example("--data-path=/var/lib/nsq --dump --topic=orders", "Prints what a topic holds.")
      .example("--data-path=/var/lib/nsq --repair", "Saves what can be read.")
      .note(
          "Status: 0 sound, or repaired; 1 damaged; 2 mistake on the command line; 3 no such "
          "directory, in use (--repair), of a newer version, or an I/O error.");

  Remarks remarks;
  if (const auto status = read_command_line(flags, invocation, remarks)) return *status;
  for (const std::string& warning : remarks.warnings) {
    fmt::print(stderr, "Warning: {}\n", warning);
  }
  std::string mistake;
  if (!check::parse_dump_format(options.format)) mistake = "--format must be plain, json or hex";
  if (options.repair && options.dump) mistake = "--repair and --dump exclude each other";
  if (options.repair && !options.topic.empty()) mistake = "--repair is about all topics";
  if (!options.channel.empty() && !options.dump) mistake = "--channel belongs to --dump";
  if (mistake.empty()) return check::check(options);
  fmt::print(stderr, "nsq check: {}\n", mistake);
  return kExitUsage;
}

}  // namespace nsq::cli
