#include "daemon/debug_api.h"

#include <fmt/format.h>
#include <malloc.h>
#include <unistd.h>

#include <asio/post.hpp>
#include <charconv>
#include <fstream>
#include <functional>
#include <iterator>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/log.h"
#include "daemon/config_api.h"
#include "protocol/quote.h"
#include "storage/buffer.h"

namespace nsq::daemon {
namespace {

using http::Exchange;
using http::Method;

void no_profile(Exchange& exchange) {
  exchange.response.plain(
      501, fmt::format("There are no runtime profiles of this program. For CPU time: perf record "
                       "-g -p {0} -- sleep 30. For memory: start it under heaptrack, or see "
                       "/metrics. For what its threads do: gdb -p {0} -batch -ex 'thread apply "
                       "all bt'.\n",
                       ::getpid()));
}

void index(Exchange& exchange) {
  exchange.response.plain(200,
                          "<html><head><title>/debug/pprof/</title></head><body>\n"
                          "<p>This program has no runtime profiles; each page says what to use "
                          "instead.</p>\n"
                          "<ul><li><a href=\"cmdline\">cmdline</a></li>"
                          "<li><a href=\"profile\">profile</a></li>"
                          "<li><a href=\"heap\">heap</a></li></ul>\n"
                          "</body></html>\n");
  exchange.response.content_type = http::kTextHtml;
}

// The process's arguments, with a zero byte between one and the next.
void command_line(Exchange& exchange) {
  std::ifstream file("/proc/self/cmdline");
  std::string text{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  if (text.ends_with('\0')) text.pop_back();
  exchange.response.plain(200, text);
}

// Checked, and without effect: what it sets the rate of is not measured.
void set_block_rate(Exchange& exchange) {
  const http::Query* query = exchange.request.query();
  if (!query) return exchange.response.plain(400, "invalid block rate : malformed query");
  std::string_view text = query->get("rate");
  const std::string_view given = text;
  if (text.starts_with('+') && text.size() > 1 && text[1] != '-') text.remove_prefix(1);
  std::int64_t rate = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), rate);
  if (error != std::errc() || end != text.data() + text.size()) {
    return exchange.response.plain(
        400,
        fmt::format(
            "invalid block rate : strconv.Atoi: parsing {}: {}", protocol::quote(given),
            error == std::errc::result_out_of_range ? "value out of range" : "invalid syntax"));
  }
  exchange.response.plain(200, "");
}

// Walking through the heap can take long, hence not on a client's loop.
void free_memory(Exchange& exchange, const ApiContext& context) {
  const auto responder = std::make_shared<http::Responder>(exchange.answer_later());
  asio::post(context.reports, [responder] {
    const std::size_t before = mallinfo2().fordblks;
    storage::Buffer::trim();
    ::malloc_trim(0);
    const std::size_t after = mallinfo2().fordblks;
    log::info("DEBUG: {} bytes were unused in the heap, now {} are", before, after);
    asio::post(responder->executor(), [responder] {
      responder->response().plain(200, "");
      responder->send();
    });
  });
}

}  // namespace

void add_debug_api(http::Router& router, const ApiContext& context) {
  const auto range = net::AddressRange::parse(context.options.allow_config_from_cidr);
  const auto add = [&](Method method, std::string_view path,
                       std::function<void(Exchange&)> handle) {
    router.add(method, path, [range, handle = std::move(handle)](Exchange& exchange) {
      if (may_configure(exchange, range)) handle(exchange);
    });
  };
  const auto symbol = [](Exchange& exchange) { exchange.response.plain(200, "num_symbols: 0\n"); };
  add(Method::Get, "/debug/pprof/", index);
  add(Method::Get, "/debug/pprof/cmdline", command_line);
  add(Method::Get, "/debug/pprof/symbol", symbol);
  add(Method::Post, "/debug/pprof/symbol", symbol);
  for (const std::string_view profile : {"profile", "heap", "goroutine", "block", "threadcreate"})
    add(Method::Get, fmt::format("/debug/pprof/{}", profile), no_profile);
  add(Method::Put, "/debug/setblockrate", set_block_rate);
  add(Method::Post, "/debug/freememory",
      [&context](Exchange& exchange) { free_memory(exchange, context); });
}

}  // namespace nsq::daemon
