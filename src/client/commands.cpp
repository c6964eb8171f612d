#include "client/commands.h"

#include <fmt/format.h>

#include <cstring>
#include <iterator>

#include "base/bytes.h"
#include "protocol/message_id.h"

namespace nsq::client {
namespace {

void append_size(std::string& out, std::size_t size) {
  char bytes[4];
  store_big(bytes, static_cast<std::uint32_t>(size));
  out.append(bytes, sizeof bytes);
}

void append_line(std::string& out, std::string_view verb, std::string_view parameter) {
  out.append(verb).append(" ").append(parameter).append("\n");
}

void append_body(std::string& out, std::string_view body) {
  append_size(out, body.size());
  out.append(body);
}

}  // namespace

void append_identify(std::string& out, std::string_view json) {
  out.append("IDENTIFY\n");
  append_body(out, json);
}

void append_sub(std::string& out, std::string_view topic, std::string_view channel) {
  fmt::format_to(std::back_inserter(out), "SUB {} {}\n", topic, channel);
}

void append_rdy(std::string& out, std::int64_t count) {
  fmt::format_to(std::back_inserter(out), "RDY {}\n", count);
}

void append_fin(std::string& out, std::string_view id) {
  if (id.size() != protocol::kMessageIdBytes) return append_line(out, "FIN", id);
  // There is one for every message that is consumed: the line's form in one piece, then the id
  // where it belongs. A line put together elsewhere first would be read back while its parts are
  // still being written, for which processors wait.
  constexpr std::string_view form = "FIN 0000000000000000\n";
  static_assert(form.size() == 4 + protocol::kMessageIdBytes + 1);
  const std::size_t at = out.size() + 4;
  out.append(form);
  std::memcpy(out.data() + at, id.data(), protocol::kMessageIdBytes);
}

void append_req(std::string& out, std::string_view id, Duration delay) {
  const auto milliseconds = std::chrono::duration_cast<std::chrono::milliseconds>(delay).count();
  fmt::format_to(std::back_inserter(out), "REQ {} {}\n", id, milliseconds);
}

void append_touch(std::string& out, std::string_view id) {
  append_line(out, "TOUCH", id);
}

void append_nop(std::string& out) {
  out.append("NOP\n");
}

void append_cls(std::string& out) {
  out.append("CLS\n");
}

void append_auth(std::string& out, std::string_view secret) {
  out.append("AUTH\n");
  append_body(out, secret);
}

void append_pub(std::string& out, std::string_view topic, std::string_view body) {
  append_line(out, "PUB", topic);
  append_body(out, body);
}

void append_dpub(std::string& out, std::string_view topic, Duration delay, std::string_view body) {
  const auto milliseconds = std::chrono::duration_cast<std::chrono::milliseconds>(delay).count();
  fmt::format_to(std::back_inserter(out), "DPUB {} {}\n", topic, milliseconds);
  append_body(out, body);
}

std::size_t mpub_bytes(std::span<const std::string_view> bodies) {
  std::size_t size = sizeof(std::uint32_t);
  for (const std::string_view body : bodies) size += sizeof(std::uint32_t) + body.size();
  return size;
}

void append_mpub(std::string& out, std::string_view topic,
                 std::span<const std::string_view> bodies) {
  const std::size_t size = mpub_bytes(bodies);
  out.reserve(out.size() + size + topic.size() + 16);
  append_line(out, "MPUB", topic);
  append_size(out, size);
  append_size(out, bodies.size());
  for (const std::string_view body : bodies) append_body(out, body);
}

}  // namespace nsq::client
