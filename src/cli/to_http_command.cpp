#include <fmt/format.h>

#include "cli/client_flags.h"
#include "cli/commands.h"
#include "utilities/notice.h"
#include "utilities/to_http.h"

namespace nsq::cli {
namespace {

void add_requests(FlagTable& flags, utilities::ToHttpOptions& options) {
  const auto set_sample = [&options](std::string_view text) -> Result<void> {
    const auto share = parse_float(text);
    if (!share) return share.error();
    options.sample = *share;
    return {};
  };
  flags.group("Request")
      .add("post", options.post, "url", "POST messages to this address")
      .add("get", options.get, "url",
           "GET this address, with the message, encoded as in a form, in place of its one %s")
      .add("header", options.header, "name:value", "a header of each request, instead of ours")
      .add("content-type", options.content_type, "type", "of what is posted")
      .add("mode", options.mode, "word",
           "with several addresses: hostpool takes each in turn, leaving out those that failed; "
           "epsilon-greedy prefers those that answer fast; round-robin takes each in turn; "
           "multicast sends every message to all")
      .words({"hostpool", "epsilon-greedy", "round-robin", "multicast"})
      .add("n", options.n, "requests", "at the same time, at most")
      .add_row("sample", Kind::Special, "share", "1",
               "of the messages to send, from 0 to 1; the others are just finished", set_sample)
      .add("status-every", options.status_every, "requests",
           "between two reports of how long they took; 0 for none")
      .add("http-client-connect-timeout", options.http_client_connect_timeout,
           "for connecting to an address")
      .add("http-client-request-timeout", options.http_client_request_timeout,
           "for a whole request");
  flags.group("HTTPS")
      .add("http-client-tls-root-ca-file", options.http_client_tls_root_ca_file, "path",
           "the authorities that vouch for addresses, instead of the system's")
      .add("http-client-tls-cert", options.http_client_tls_cert, "path",
           "a certificate to show to them")
      .add("http-client-tls-key", options.http_client_tls_key, "path", "its key")
      .add("http-client-tls-insecure-skip-verify", options.http_client_tls_insecure_skip_verify,
           "take any certificate");
}

}  // namespace

int run_to_http(const Invocation& invocation) {
  utilities::ToHttpOptions options;
  FlagTable flags("nsq_to_http",
                  "Sends the messages of a topic as HTTP requests. A message is finished when the "
                  "answer is 2xx (200 for GET); otherwise it comes again later, up to max_attempts "
                  "times, which is 5 (-consumer-opt=max_attempts,0 for ever).");
  flags.group("Source")
      .add("topic", options.topic, "topic", "the topic")
      .add("channel", options.channel, "channel", "its channel");
  add_source(flags, options.source);
  flags.add("max-in-flight", options.max_in_flight, "messages",
            "received and not yet answered, at most");
  add_client_options(flags, "consumer-opt", options.consumer);
  add_requests(flags, options);

  flags
      .example(
          "--topic=orders --nsqd-tcp-address=127.0.0.1:4150 \\\n"
          "        --post=https://example.com/hook",
          "Posts every message.")
      .example(
          "--topic=orders --lookupd-http-address=127.0.0.1:4161 \\\n"
          "        --get=http://10.0.0.2/take?m=%s --get=http://10.0.0.3/take?m=%s",
          "Sends each message to one of two servers, within the address.");

  Remarks remarks;
  if (const auto status = read_command_line(flags, invocation, remarks)) return *status;
  for (const std::string& warning : remarks.warnings) utilities::notice("Warning: " + warning);
  options.consumer.user_agent = fmt::format("nsq_to_http/{0} nsq/{0}", version());
  options.user_agent = fmt::format("nsq_to_http v{}", version());
  return utilities::to_http(options);
}

}  // namespace nsq::cli
