#pragma once

#include <bit>
#include <concepts>
#include <cstdint>
#include <cstring>

// Integers at byte addresses of any alignment: big-endian as on the wire, little-endian as on disk.
namespace nsq {

template <std::integral T>
constexpr T swap_bytes(T value) {
  if constexpr (sizeof(T) == 1) return value;
  if constexpr (sizeof(T) == 2)
    return static_cast<T>(__builtin_bswap16(static_cast<std::uint16_t>(value)));
  if constexpr (sizeof(T) == 4)
    return static_cast<T>(__builtin_bswap32(static_cast<std::uint32_t>(value)));
  if constexpr (sizeof(T) == 8)
    return static_cast<T>(__builtin_bswap64(static_cast<std::uint64_t>(value)));
}

template <std::integral T>
T load_big(const char* from) {
  T value;
  std::memcpy(&value, from, sizeof value);
  return std::endian::native == std::endian::little ? swap_bytes(value) : value;
}

template <std::integral T>
void store_big(char* to, T value) {
  if (std::endian::native == std::endian::little) value = swap_bytes(value);
  std::memcpy(to, &value, sizeof value);
}

template <std::integral T>
T load_little(const char* from) {
  T value;
  std::memcpy(&value, from, sizeof value);
  return std::endian::native == std::endian::big ? swap_bytes(value) : value;
}

template <std::integral T>
void store_little(char* to, T value) {
  if (std::endian::native == std::endian::big) value = swap_bytes(value);
  std::memcpy(to, &value, sizeof value);
}

}  // namespace nsq
