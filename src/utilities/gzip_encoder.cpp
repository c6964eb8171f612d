#include "utilities/gzip_encoder.h"

#include <zlib.h>

#include <algorithm>
#include <array>
#include <limits>
#include <new>

#include "base/assert.h"

namespace nsq::utilities {
namespace {

constexpr int kGzipWindowBits = 15 + 16;  // a window of 32 KiB, and gzip's header and trailer
constexpr int kMemoryLevel = 8;
constexpr std::size_t kRoomBytes = std::size_t{32} << 10;

}  // namespace

struct GzipEncoder::Stream {
  z_stream state{};
};

GzipEncoder::GzipEncoder(int level) : stream_(std::make_unique<Stream>()) {
  const int result = ::deflateInit2(&stream_->state, level, Z_DEFLATED, kGzipWindowBits,
                                    kMemoryLevel, Z_DEFAULT_STRATEGY);
  if (result == Z_MEM_ERROR) throw std::bad_alloc();
  NSQ_ASSERT(result == Z_OK);
}

GzipEncoder::~GzipEncoder() {
  ::deflateEnd(&stream_->state);
}

void GzipEncoder::add(std::string_view text, std::string& out) {
  constexpr std::size_t kMostAtOnce = std::numeric_limits<uInt>::max();
  while (!text.empty()) {
    const std::string_view part = text.substr(0, kMostAtOnce);
    run(part, Z_NO_FLUSH, out);
    text.remove_prefix(part.size());
  }
}

void GzipEncoder::end_member(std::string& out) {
  run({}, Z_FINISH, out);
  reset();
}

void GzipEncoder::reset() {
  ::deflateReset(&stream_->state);
}

void GzipEncoder::run(std::string_view text, int flush, std::string& out) {
  z_stream& state = stream_->state;
  state.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  state.avail_in = static_cast<uInt>(text.size());
  std::array<char, kRoomBytes> room;
  do {
    state.next_out = reinterpret_cast<Bytef*>(room.data());
    state.avail_out = static_cast<uInt>(room.size());
    ::deflate(&state, flush);
    out.append(room.data(), room.size() - state.avail_out);
  } while (state.avail_out == 0);
}

}  // namespace nsq::utilities
