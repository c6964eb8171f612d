#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <string_view>

namespace nsq::net {

// The IP addresses that share their first bits: "10.0.0.0/8", "fe80::/10".
//
// Immutable.
class AddressRange {
 public:
  // Nothing unless the text is an address, a slash and a number of bits. Bits behind those of the
  // range may be set ("127.0.0.1/8"), as ever.
  static std::optional<AddressRange> parse(std::string_view cidr);

  // Whether it holds the address, as text without brackets or port. An IPv4 address in its IPv6
  // form ("::ffff:10.0.0.1") is that IPv4 address. False for what is no address.
  bool contains(std::string_view address) const;

 private:
  // IPv4 in its IPv6 form, so that there is one case.
  using Bytes = std::array<unsigned char, 16>;

  static std::optional<Bytes> parse_address(std::string_view text);

  Bytes bytes_{};
  std::size_t bits_ = 0;
};

}  // namespace nsq::net
