#include "net/snappy_layer.h"

#include <snappy.h>

#include <algorithm>
#include <bit>
#include <cstdint>
#include <cstring>

#include "net/crc32c.h"
#include "net/layer_error.h"

namespace nsq::net {
namespace {

constexpr std::size_t kChunkBytes = 65536;
constexpr std::size_t kChecksumBytes = 4;
constexpr std::string_view kIdentifier("\xff\x06\x00\x00sNaPpY", 10);
constexpr std::string_view kMagic = "sNaPpY";

enum ChunkType : unsigned char {
  kCompressed = 0x00,
  kUncompressed = 0x01,
  kFirstSkippable = 0x80,
  kStreamIdentifier = 0xff,
};

// The format stores checksums in this form because a checksum over data that holds checksums is
// weak.
std::uint32_t masked_checksum(std::string_view plain) {
  return std::rotr(crc32c(plain), 15) + 0xa282ead8U;
}

std::uint32_t little_endian(std::string_view bytes) {
  std::uint32_t value = 0;
  for (std::size_t i = bytes.size(); i-- > 0;)
    value = value << 8 | static_cast<unsigned char>(bytes[i]);
  return value;
}

void append_little_endian(std::string& to, std::uint32_t value, std::size_t bytes) {
  for (std::size_t i = 0; i < bytes; ++i) to += static_cast<char>(value >> 8 * i);
}

Error bad(const char* what) {
  return Error(LayerErrc::BadSnappy, what);
}

// Whether the layer has to keep such a chunk's content until it is complete. The rest is skipped.
bool is_kept(unsigned char type) {
  return type < kFirstSkippable || type == kStreamIdentifier;
}

// The longest content a sensible sender makes, header excluded.
std::size_t content_limit(unsigned char type) {
  if (type == kStreamIdentifier) return kMagic.size();
  if (type == kUncompressed) return kChecksumBytes + kChunkBytes;
  return kChecksumBytes + snappy::MaxCompressedLength(kChunkBytes);
}

}  // namespace

// --- decoding ----------------------------------------------------------------------------------

Result<std::size_t> SnappyLayer::decode(std::string_view& wire, std::span<char> room) {
  std::size_t written = 0;
  for (;;) {
    const std::size_t count = std::min(opened_.size() - handed_out_, room.size() - written);
    if (count > 0) std::memcpy(room.data() + written, opened_.data() + handed_out_, count);
    written += count;
    handed_out_ += count;
    if (written == room.size() || wire.empty()) break;
    const bool in_header = header_size_ < kHeaderBytes;
    const auto taken = in_header ? take_header(wire) : take_content(wire);
    if (!taken) return taken.error();
  }
  if (handed_out_ == opened_.size()) {
    std::string().swap(opened_);
    handed_out_ = 0;
  }
  return written;
}

Result<void> SnappyLayer::take_header(std::string_view& wire) {
  const std::size_t count = std::min(kHeaderBytes - header_size_, wire.size());
  std::memcpy(header_.data() + header_size_, wire.data(), count);
  header_size_ += count;
  wire.remove_prefix(count);
  if (header_size_ < kHeaderBytes) return {};
  const unsigned char type = header_[0];
  content_size_ = header_[1] | std::size_t{header_[2]} << 8 | std::size_t{header_[3]} << 16;
  if (!has_identifier_ && type != kStreamIdentifier) return bad("no stream identifier");
  if (type > kUncompressed && type < kFirstSkippable) return bad("unknown chunk type");
  if (is_kept(type) && content_size_ > content_limit(type)) return bad("chunk too long");
  if (content_size_ == 0) return take_content(wire);
  return {};
}

Result<void> SnappyLayer::take_content(std::string_view& wire) {
  const std::string_view here = wire.substr(0, content_size_);
  wire.remove_prefix(here.size());
  content_size_ -= here.size();
  const bool is_complete = content_size_ == 0;
  if (is_complete) header_size_ = 0;
  if (!is_kept(header_[0])) return {};
  if (is_complete && content_.empty()) return open_chunk(here);
  content_ += here;
  if (!is_complete) return {};
  auto opened = open_chunk(content_);
  std::string().swap(content_);
  return opened;
}

Result<void> SnappyLayer::open_chunk(std::string_view content) {
  if (header_[0] == kStreamIdentifier) {
    has_identifier_ = content == kMagic;
    return has_identifier_ ? Result<void>() : bad("not the stream identifier");
  }
  if (content.size() < kChecksumBytes) return bad("chunk too short");
  const std::uint32_t checksum = little_endian(content.substr(0, kChecksumBytes));
  content.remove_prefix(kChecksumBytes);
  handed_out_ = 0;
  if (header_[0] == kUncompressed) {
    opened_ = content;
  } else {
    std::size_t size = 0;
    if (!snappy::GetUncompressedLength(content.data(), content.size(), &size) || size > kChunkBytes)
      return bad("chunk too long");
    opened_.resize(size);
    if (!snappy::RawUncompress(content.data(), content.size(), opened_.data()))
      return bad("damaged chunk");
  }
  return masked_checksum(opened_) == checksum ? Result<void>() : bad("wrong checksum");
}

// --- encoding ----------------------------------------------------------------------------------

void SnappyLayer::encode(std::string_view plain, std::string& wire) {
  while (!plain.empty()) {
    // A whole chunk is compressed from where it lies.
    if (held_back_.empty() && plain.size() >= kChunkBytes) {
      append_chunk(plain.substr(0, kChunkBytes), wire);
      plain.remove_prefix(kChunkBytes);
      continue;
    }
    const std::size_t count = std::min(kChunkBytes - held_back_.size(), plain.size());
    held_back_ += plain.substr(0, count);
    plain.remove_prefix(count);
    if (held_back_.size() < kChunkBytes) return;
    append_chunk(held_back_, wire);
    held_back_.clear();
  }
}

void SnappyLayer::flush(std::string& wire) {
  if (held_back_.empty()) return;
  append_chunk(held_back_, wire);
  std::string().swap(held_back_);
}

void SnappyLayer::append_chunk(std::string_view plain, std::string& wire) {
  if (!has_begun_) wire += kIdentifier;
  has_begun_ = true;
  const std::size_t begin = wire.size();
  const std::size_t content = begin + kHeaderBytes + kChecksumBytes;
  wire.resize(content + snappy::MaxCompressedLength(plain.size()));
  std::size_t size = 0;
  snappy::RawCompress(plain.data(), plain.size(), wire.data() + content, &size);
  // What hardly shrinks is not worth the far end's time.
  const bool is_compressed = size < plain.size() - plain.size() / 8;
  if (!is_compressed) {
    size = plain.size();
    std::memcpy(wire.data() + content, plain.data(), size);
  }
  wire.resize(content + size);

  std::string head;
  head += static_cast<char>(is_compressed ? kCompressed : kUncompressed);
  append_little_endian(head, static_cast<std::uint32_t>(kChecksumBytes + size), 3);
  append_little_endian(head, masked_checksum(plain), kChecksumBytes);
  std::memcpy(wire.data() + begin, head.data(), head.size());
}

}  // namespace nsq::net
