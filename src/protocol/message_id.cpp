#include "protocol/message_id.h"

#include <cstring>

namespace nsq::protocol {
namespace {

constexpr std::uint8_t kNoDigit = 0xff;

// The two digits of every byte value, one after the other.
constexpr auto kDigitPairs = [] {
  constexpr std::string_view digits = "0123456789abcdef";
  std::array<char, 512> pairs{};
  for (std::size_t byte = 0; byte < 256; ++byte) {
    pairs[2 * byte] = digits[byte >> 4];
    pairs[2 * byte + 1] = digits[byte & 15];
  }
  return pairs;
}();

// The value of every lower-case hex digit; kNoDigit for all other characters.
constexpr auto kDigitValues = [] {
  std::array<std::uint8_t, 256> values{};
  for (auto& value : values) value = kNoDigit;
  for (std::uint8_t i = 0; i < 10; ++i) values[static_cast<std::size_t>('0' + i)] = i;
  for (std::uint8_t i = 0; i < 6; ++i)
    values[static_cast<std::size_t>('a' + i)] = static_cast<std::uint8_t>(10 + i);
  return values;
}();

}  // namespace

void MessageId::encode(char* to) const {
  for (std::size_t i = 0; i < 8; ++i) {
    const std::size_t byte = (value >> (56 - 8 * i)) & 0xff;
    std::memcpy(to + 2 * i, &kDigitPairs[2 * byte], 2);
  }
}

std::string MessageId::to_string() const {
  std::string text(kMessageIdBytes, '0');
  encode(text.data());
  return text;
}

std::optional<MessageId> MessageId::parse(std::string_view text) {
  if (text.size() != kMessageIdBytes) return std::nullopt;
  std::uint64_t value = 0;
  std::uint8_t seen = 0;  // a digit is below 16, so the high bits tell whether all were digits
  for (const char c : text) {
    const std::uint8_t digit = kDigitValues[static_cast<unsigned char>(c)];
    seen |= digit;
    value = value << 4 | (digit & 15U);
  }
  if (seen > 15) return std::nullopt;
  return MessageId{value};
}

}  // namespace nsq::protocol
