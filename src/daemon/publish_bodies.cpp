#include "daemon/publish_bodies.h"

#include "base/bytes.h"

namespace nsq::daemon {
namespace {

constexpr std::size_t kIntegerBytes = 4;
constexpr std::int64_t kSmallestMessageBytes = 5;  // a size and one byte

// Takes an integer off the front; nothing if there is none.
std::optional<std::int32_t> take_integer(std::string_view& bytes) {
  if (bytes.size() < kIntegerBytes) return std::nullopt;
  const auto value = load_big<std::int32_t>(bytes.data());
  bytes.remove_prefix(kIntegerBytes);
  return value;
}

}  // namespace

std::optional<std::string_view> split_lines(std::string_view body, const PublishLimits& limits,
                                            std::vector<std::string_view>& messages) {
  while (!body.empty()) {
    const std::size_t end = body.find('\n');
    const std::string_view line = body.substr(0, end);
    body.remove_prefix(end == std::string_view::npos ? body.size() : end + 1);
    if (static_cast<std::int64_t>(line.size()) > limits.max_msg_size) return "MSG_TOO_BIG";
    if (!line.empty()) messages.push_back(line);
  }
  return std::nullopt;
}

std::optional<std::string_view> split_batch(std::string_view body, const PublishLimits& limits,
                                            std::vector<std::string_view>& messages) {
  const auto count = take_integer(body);
  const std::int64_t most =
      (limits.max_body_size - static_cast<std::int64_t>(kIntegerBytes)) / kSmallestMessageBytes;
  if (!count || *count <= 0 || *count > most) return "BAD_BODY";
  for (std::int32_t i = 0; i < *count; ++i) {
    const auto size = take_integer(body);
    if (!size || *size <= 0 || *size > limits.max_msg_size) return "BAD_MESSAGE";
    if (static_cast<std::size_t>(*size) > body.size()) return "BAD_MESSAGE";
    messages.push_back(body.substr(0, static_cast<std::size_t>(*size)));
    body.remove_prefix(static_cast<std::size_t>(*size));
  }
  return std::nullopt;
}

}  // namespace nsq::daemon
