#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>

#include "net/layer.h"
#include "support/catch.h"

namespace nsq::net::test {

// Bytes that do not compress, the same ones every time.
inline std::string noise(std::size_t size, std::uint32_t seed = 1) {
  std::string bytes(size, '\0');
  std::uint64_t state = seed;
  for (char& byte : bytes) {
    state = state * 6364136223846793005ULL + 1442695040888963407ULL;
    byte = static_cast<char>(state >> 56);
  }
  return bytes;
}

template <typename AnyLayer>
std::string encoded(AnyLayer& layer, std::string_view plain) {
  std::string wire;
  layer.encode(plain, wire);
  layer.flush(wire);
  return wire;
}

// What `wire` stands for, decoded with rooms of `room_bytes`. Requires: no error.
template <typename AnyLayer>
std::string decoded(AnyLayer& layer, std::string_view wire, std::size_t room_bytes = 4096) {
  std::string plain;
  std::string room(room_bytes, '\0');
  for (;;) {
    const auto count = layer.decode(wire, {room.data(), room.size()});
    REQUIRE(count);
    plain.append(room, 0, *count);
    if (*count < room_bytes) break;
  }
  REQUIRE((wire.empty() || layer.is_at_end()));
  return plain;
}

// The same with the wire cut into pieces.
template <typename AnyLayer>
std::string decoded_in_pieces(AnyLayer& layer, std::string_view wire, std::size_t piece_bytes) {
  std::string plain;
  for (; !wire.empty(); wire.remove_prefix(std::min(piece_bytes, wire.size())))
    plain += decoded(layer, wire.substr(0, piece_bytes));
  return plain;
}

// The error that decoding ends with; "" if there is none.
template <typename AnyLayer>
std::string decode_error(AnyLayer& layer, std::string_view wire) {
  std::string room(4096, '\0');
  for (;;) {
    const auto count = layer.decode(wire, {room.data(), room.size()});
    if (!count) return count.error().to_string();
    if (*count < room.size()) return "";
  }
}

}  // namespace nsq::net::test
