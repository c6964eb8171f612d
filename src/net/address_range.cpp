#include "net/address_range.h"

#include <algorithm>
#include <asio/ip/address.hpp>
#include <charconv>
#include <string>
#include <system_error>

namespace nsq::net {
namespace {

constexpr std::size_t kAllBits = 128;
constexpr std::size_t kIpv4Bits = 32;

}  // namespace

std::optional<AddressRange::Bytes> AddressRange::parse_address(std::string_view text) {
  std::error_code error;
  const auto address = asio::ip::make_address(text, error);
  if (error || text.find('%') != std::string_view::npos) return std::nullopt;
  return address.is_v6()
             ? address.to_v6().to_bytes()
             : asio::ip::make_address_v6(asio::ip::v4_mapped, address.to_v4()).to_bytes();
}

std::optional<AddressRange> AddressRange::parse(std::string_view cidr) {
  const std::size_t slash = cidr.find('/');
  if (slash == std::string_view::npos) return std::nullopt;
  const std::string_view address = cidr.substr(0, slash);
  const std::string_view number = cidr.substr(slash + 1);
  const auto bytes = parse_address(address);
  AddressRange range;
  const char* end = number.data() + number.size();
  const auto [stop, error] = std::from_chars(number.data(), end, range.bits_);
  if (!bytes || error != std::errc() || stop != end) return std::nullopt;
  const bool is_ipv4 = address.find(':') == std::string_view::npos;
  if (range.bits_ > (is_ipv4 ? kIpv4Bits : kAllBits)) return std::nullopt;
  if (is_ipv4) range.bits_ += kAllBits - kIpv4Bits;
  range.bytes_ = *bytes;
  return range;
}

bool AddressRange::contains(std::string_view text) const {
  const auto address = parse_address(text);
  if (!address) return false;
  for (std::size_t bit = 0; bit < bits_; bit += 8) {
    const std::size_t wanted = std::min<std::size_t>(8, bits_ - bit);
    const auto mask = static_cast<unsigned char>(0xff << (8 - wanted));
    if (((bytes_[bit / 8] ^ (*address)[bit / 8]) & mask) != 0) return false;
  }
  return true;
}

}  // namespace nsq::net
