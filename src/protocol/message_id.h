#pragma once

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "base/bytes.h"

namespace nsq::protocol {

inline constexpr std::size_t kMessageIdBytes = 16;

// What a client names a message by: a 64-bit number, on the wire as 16 lower-case hex digits, most
// significant first. Immutable.
struct MessageId {
  std::uint64_t value = 0;

  friend constexpr auto operator<=>(const MessageId&, const MessageId&) = default;

  // Writes exactly kMessageIdBytes to `to`, without a terminator.
  void encode(char* to) const;
  std::string to_string() const;

  // Empty if `text` is not exactly what `encode` would write for some id. Ids are compared byte for
  // byte, so that "00000000000000FF" is no message's id, although its length is right; the caller
  // who must tell a wrong length from an id that cannot exist looks at the length first.
  static std::optional<MessageId> parse(std::string_view text);
};

// Reads ids that mostly come in a row, each the one before plus one, as those of messages finished
// in the order of their delivery do: such an id is known by comparing it. Others are parsed.
//
// Threading: confined.
class MessageIdReader {
 public:
  // As MessageId::parse. `from` points to kMessageIdBytes.
  std::optional<MessageId> read(const char* from) {
    const auto high = load_big<std::uint64_t>(from);
    const auto low = load_big<std::uint64_t>(from + sizeof high);
    // Of most digits the character of the next one is the next character. Behind '9' and 'f' come
    // characters that are no digits.
    const char last = static_cast<char>(low & 0xff);
    const bool continues = high == high_ && low == low_ + 1 && last != '9' + 1 && last != 'f' + 1;
    high_ = high;
    low_ = low;
    id_ = continues && id_ ? MessageId{id_->value + 1} : MessageId::parse({from, kMessageIdBytes});
    return id_;
  }

 private:
  // The characters of the latest id, and what it was.
  std::uint64_t high_ = 0;
  std::uint64_t low_ = 0;
  std::optional<MessageId> id_;
};

}  // namespace nsq::protocol

template <>
struct std::hash<nsq::protocol::MessageId> {
  // The low bits of ids made in one burst differ by one, the high bits hardly at all.
  std::size_t operator()(const nsq::protocol::MessageId& id) const noexcept {
    const std::uint64_t mixed = id.value * 0x9e3779b97f4a7c15ULL;
    return static_cast<std::size_t>(mixed ^ (mixed >> 32));
  }
};
