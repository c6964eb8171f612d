#include <fmt/format.h>

#include "cli/client_flags.h"
#include "cli/commands.h"
#include "utilities/bench.h"

namespace nsq::cli {
namespace {

void add_explanations(FlagTable& flags) {
  flags.leading("MODE", {"pub", "sub", "pubsub", "latency", "idle"})
      .example("pub", "Publishes for 5 s, as fast as it goes.")
      .example("sub --topic=t --count=1000000", "Consumes a million messages that wait.")
      .example("pubsub --batch=1 --connections=8", "Both at once, one message per command.")
      .example("latency --rate=20000", "From due to received, at a given rate.")
      .example("pub --nsqd-http-address=127.0.0.1:4151 --connections=16", "Publishes by POST /pub.")
      .example("idle --consumers=10000 --pid=$(pidof nsqd)", "Measures memory per connection.")
      .note(
          "At a rate, every message is due at a fixed time, whatever became of the ones before it, "
          "and latency counts from then on: a daemon that stalls is charged for all that had to "
          "wait (without this, the tool would stop asking just when answers are slow). Without a "
          "rate, 'answered after' is the time of one command, and says as much about the window as "
          "about the daemon.")
      .note(
          "Status: 0 every message was answered and received; 1 not so, or no connection; 2 "
          "mistake "
          "on the command line.");
}

void add_load_flags(FlagTable& flags, utilities::BenchOptions& options) {
  flags.group("Load")
      .add("size", options.size, "bytes", "of a message")
      .add("batch", options.batch, "messages",
           "per publish command; by default 200, at a rate or over HTTP 1")
      .add("connections", options.connections, "count", "that publish, and as many that consume")
      .add("publishers", options.publishers, "count", "connections that publish")
      .add("consumers", options.consumers, "count", "connections that consume, or are idle")
      .add("channels", options.channels, "count",
           "the consumers are dealt out to; each gets every message")
      .add("window", options.window, "commands",
           "sent and not answered, per connection; by default 8 batches, 100 single messages, 1000 "
           "at a rate, 1 over HTTP")
      .add("rdy", options.rdy, "messages", "ready count of each consumer")
      .add("rate", options.rate, "messages", "to publish per second in all; 0 for all that goes")
      .add("threads", options.threads, "count",
           "for publishers, and as many for consumers; by default one per core, at a rate up to "
           "100,000 commands per second just one for both")
      .add(
          "awake", options.awake,
          "at a low rate: how long before a command is due, and after it was sent, to wait without "
          "sleeping, so that the tool's own waking up is not measured; 0s measures it");
  flags.group("Length")
      .add("duration", options.duration, "to measure, when there is no count")
      .add("warmup", options.warmup, "before that, not measured; nothing with a count")
      .add("count", options.count, "messages", "to publish, or to consume, in all")
      .add("patience", options.patience, "give up when nothing has happened for so long");
}

void add_place_flags(FlagTable& flags, utilities::BenchOptions& options) {
  flags.group("Daemon")
      .add("nsqd-tcp-address", options.nsqd_tcp_address, "host:port",
           "a daemon; connections are dealt out to several (default 127.0.0.1:4150)")
      .add("nsqd-http-address", options.nsqd_http_address, "host:port",
           "publish here instead, by HTTP requests")
      .add("topic", options.topic, "topic", "by default a fresh one, which is left behind")
      .add("channel", options.channel, "channel", "with --channels, the beginning of their names")
      .add("pid", options.pid, "process", "the daemon's, to report its CPU time and memory");
  flags.group("Connection")
      .add("tls", options.client.tls_v1, "encrypt")
      .add("tls-insecure-skip-verify", options.client.tls_insecure_skip_verify,
           "with --tls: take any certificate")
      .add("tls-root-ca-file", options.client.tls_root_ca_file, "path",
           "with --tls: authorities to trust instead of the system's")
      .add("snappy", options.client.snappy, "compress by Snappy")
      .add("deflate", options.client.deflate, "compress by Deflate")
      .add("deflate-level", options.client.deflate_level, "level", "1 to 9");
  add_client_options(flags, "client-opt", options.client);
  flags.group("Output").add("json", options.json, "one JSON object instead of text");
}

}  // namespace

int run_bench(const Invocation& invocation) {
  utilities::BenchOptions options;

  Invocation flags_only = invocation;
  const bool has_word =
      !invocation.arguments.empty() && !invocation.arguments.front().starts_with('-');
  const std::string word = has_word ? invocation.arguments.front() : "";
  if (has_word) flags_only.arguments.erase(flags_only.arguments.begin());

  FlagTable flags("nsq bench", "Loads a daemon and measures how fast it is.");
  add_explanations(flags);
  add_load_flags(flags, options);
  add_place_flags(flags, options);
  Remarks remarks;
  if (const auto status = read_command_line(flags, flags_only, remarks)) return *status;
  options.client.user_agent = fmt::format("nsq_bench/{0} nsq/{0}", version());

  const auto mode = utilities::parse_bench_mode(word);
  std::optional<std::string> mistake;
  if (mode) {
    options.mode = *mode;
    utilities::choose_bench_defaults(options);
    mistake = utilities::find_bench_mistake(options);
  } else {
    mistake = fmt::format(
        "{} - the first argument is pub, sub, pubsub, latency or idle",
        has_word ? fmt::format("'{}' is nothing to measure", word) : "nothing to measure is named");
  }
  if (!mistake && !remarks.warnings.empty()) mistake = remarks.warnings.front();
  if (!mistake) return utilities::bench(options);
  fmt::print(stderr, "nsq bench: {}\nRun 'nsq bench --help' for modes and flags.\n", *mistake);
  return kExitUsage;
}

}  // namespace nsq::cli
