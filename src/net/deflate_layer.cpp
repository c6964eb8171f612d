#include "net/deflate_layer.h"

#include <zlib.h>

#include <algorithm>
#include <limits>
#include <new>

#include "base/assert.h"
#include "net/layer_error.h"

namespace nsq::net {
namespace {

constexpr int kRawWindowBits = -15;  // negative: without header and checksum
constexpr int kMemoryLevel = 8;
constexpr std::size_t kOutputBytes = std::size_t{4} << 10;

// zlib counts in unsigned int.
uInt as_count(std::size_t bytes) {
  return static_cast<uInt>(std::min<std::size_t>(bytes, std::numeric_limits<uInt>::max() / 2));
}

// zlib reads through a pointer to non-const and leaves the bytes alone.
Bytef* as_input(const char* bytes) {
  return reinterpret_cast<Bytef*>(const_cast<char*>(bytes));
}

}  // namespace

struct DeflateLayer::Inflater {
  Inflater() {
    if (inflateInit2(&stream, kRawWindowBits) != Z_OK) throw std::bad_alloc();
  }
  ~Inflater() { inflateEnd(&stream); }
  Inflater(const Inflater&) = delete;
  Inflater& operator=(const Inflater&) = delete;

  z_stream stream{};
};

struct DeflateLayer::Deflater {
  explicit Deflater(int level) {
    if (deflateInit2(&stream, level, Z_DEFLATED, kRawWindowBits, kMemoryLevel,
                     Z_DEFAULT_STRATEGY) != Z_OK)
      throw std::bad_alloc();
  }
  ~Deflater() { deflateEnd(&stream); }
  Deflater(const Deflater&) = delete;
  Deflater& operator=(const Deflater&) = delete;

  z_stream stream{};
};

DeflateLayer::DeflateLayer(int level) : level_(level) {
  NSQ_ASSERT(level >= 1 && level <= 9);
}

DeflateLayer::~DeflateLayer() = default;

Result<std::size_t> DeflateLayer::decode(std::string_view& wire, std::span<char> room) {
  if (!inflater_) {
    if (wire.empty()) return std::size_t{0};
    inflater_ = std::make_unique<Inflater>();
  }
  z_stream& stream = inflater_->stream;
  std::size_t written = 0;
  while (written < room.size() && !is_at_end_) {
    const uInt offered = as_count(wire.size());
    const uInt space = as_count(room.size() - written);
    stream.next_in = as_input(wire.data());
    stream.avail_in = offered;
    stream.next_out = reinterpret_cast<Bytef*>(room.data() + written);
    stream.avail_out = space;
    const int outcome = inflate(&stream, Z_NO_FLUSH);
    const uInt taken = offered - stream.avail_in;
    const uInt made = space - stream.avail_out;
    wire.remove_prefix(taken);
    written += made;
    if (outcome == Z_STREAM_END) {
      is_at_end_ = true;
    } else if (outcome == Z_MEM_ERROR) {
      throw std::bad_alloc();
    } else if (outcome != Z_OK && outcome != Z_BUF_ERROR) {
      return Error(LayerErrc::BadDeflate, stream.msg == nullptr ? "damaged" : stream.msg);
    } else if (taken == 0 && made == 0) {
      break;
    }
  }
  return written;
}

void DeflateLayer::encode(std::string_view plain, std::string& wire) {
  if (plain.empty()) return;
  holds_back_ = true;
  compress(plain, Z_NO_FLUSH, wire);
}

void DeflateLayer::flush(std::string& wire) {
  if (!holds_back_) return;
  holds_back_ = false;
  compress({}, Z_SYNC_FLUSH, wire);
}

void DeflateLayer::compress(std::string_view plain, int mode, std::string& wire) {
  if (!deflater_) deflater_ = std::make_unique<Deflater>(level_);
  z_stream& stream = deflater_->stream;
  char output[kOutputBytes];
  do {
    const uInt offered = as_count(plain.size());
    stream.next_in = as_input(plain.data());
    stream.avail_in = offered;
    stream.next_out = reinterpret_cast<Bytef*>(output);
    stream.avail_out = kOutputBytes;
    // Nothing to do is no failure, and nothing else can fail on a stream that is in order.
    const int outcome = deflate(&stream, mode);
    NSQ_ASSERT(outcome == Z_OK || outcome == Z_BUF_ERROR || outcome == Z_STREAM_END);
    plain.remove_prefix(offered - stream.avail_in);
    wire.append(output, kOutputBytes - stream.avail_out);
  } while (!plain.empty() || stream.avail_out == 0);
}

}  // namespace nsq::net
