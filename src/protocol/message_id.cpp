#include "protocol/message_id.h"

#include "base/bytes.h"

// Ids are read and written for every message, so eight digits at a time: each byte of a 64-bit
// number is one digit, the first digit in the highest byte.
namespace nsq::protocol {
namespace {

constexpr std::uint64_t kEach = 0x0101010101010101;  // times n: n in every byte
constexpr std::size_t kHalf = kMessageIdBytes / 2;

// The lowest 32 bits as digit values, 0 to 15 in each byte.
constexpr std::uint64_t spread(std::uint64_t value) {
  value = (value | value << 16) & 0x0000ffff0000ffff;
  value = (value | value << 8) & 0x00ff00ff00ff00ff;
  return (value | value << 4) & 0x0f0f0f0f0f0f0f0f;
}

// The reverse. Requires: no byte above 15.
constexpr std::uint64_t gather(std::uint64_t digits) {
  digits = (digits | digits >> 4) & 0x00ff00ff00ff00ff;
  digits = (digits | digits >> 8) & 0x0000ffff0000ffff;
  return (digits | digits >> 16) & 0xffffffff;
}

// The characters of digit values.
constexpr std::uint64_t characters(std::uint64_t digits) {
  const std::uint64_t letters = (digits + 6 * kEach) >> 4 & kEach;  // 1 for values above 9
  return digits + '0' * kEach + ('a' - '0' - 10) * letters;
}

// The value of eight characters, if they are what `characters` writes.
std::optional<std::uint64_t> parse_half(const char* from) {
  const auto text = load_big<std::uint64_t>(from);
  const std::uint64_t letters = text >> 6 & kEach;
  const std::uint64_t digits = (text & 15 * kEach) + 9 * letters;
  if ((digits & 0xf0 * kEach) != 0 || characters(digits) != text) return std::nullopt;
  return gather(digits);
}

}  // namespace

void MessageId::encode(char* to) const {
  store_big(to, characters(spread(value >> 32)));
  store_big(to + kHalf, characters(spread(value & 0xffffffff)));
}

std::string MessageId::to_string() const {
  std::string text(kMessageIdBytes, '0');
  encode(text.data());
  return text;
}

std::optional<MessageId> MessageId::parse(std::string_view text) {
  if (text.size() != kMessageIdBytes) return std::nullopt;
  const auto high = parse_half(text.data());
  const auto low = parse_half(text.data() + kHalf);
  if (!high || !low) return std::nullopt;
  return MessageId{*high << 32 | *low};
}

}  // namespace nsq::protocol
