#include "net/layer.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "base/assert.h"

namespace nsq::net {
namespace {

constexpr std::size_t kBelowBytes = std::size_t{16} << 10;
// Working memory kept for the next time.
constexpr std::size_t kKeptBytes = std::size_t{16} << 10;

}  // namespace

LayerStack::LayerStack() = default;
LayerStack::~LayerStack() = default;
LayerStack::LayerStack(LayerStack&&) noexcept = default;
LayerStack& LayerStack::operator=(LayerStack&&) noexcept = default;

void LayerStack::push(std::unique_ptr<Layer> layer, std::string below) {
  NSQ_ASSERT(below.empty() || !levels_.empty());
  levels_.push_back({std::move(layer), std::move(below), 0, {}});
}

Result<std::size_t> LayerStack::decode(std::string_view& wire, std::span<char> room) {
  if (!levels_.empty()) return decode(levels_.size() - 1, wire, room);
  const std::size_t count = std::min(wire.size(), room.size());
  if (count > 0) std::memcpy(room.data(), wire.data(), count);
  wire.remove_prefix(count);
  return count;
}

Result<std::size_t> LayerStack::decode(std::size_t level, std::string_view& wire,
                                       std::span<char> room) {
  Level& here = levels_[level];
  if (level == 0) return here.layer->decode(wire, room);
  std::size_t written = 0;
  // A layer may still hold what did not fit the last time, so it is asked before it is fed.
  for (;;) {
    std::string_view undecoded = std::string_view(here.below).substr(here.taken);
    const auto decoded = here.layer->decode(undecoded, room.subspan(written));
    if (!decoded) return decoded.error();
    here.taken = here.below.size() - undecoded.size();
    written += *decoded;
    if (written == room.size() || here.layer->is_at_end()) break;
    here.taken = 0;
    here.below.clear();
    here.below.resize(kBelowBytes);
    const auto fed = decode(level - 1, wire, {here.below.data(), here.below.size()});
    here.below.resize(fed ? *fed : 0);
    if (!fed) return fed.error();
    if (*fed == 0) break;
  }
  if (here.taken == here.below.size()) {
    here.taken = 0;
    std::string().swap(here.below);
  }
  return written;
}

bool LayerStack::is_at_end() const {
  return std::any_of(levels_.begin(), levels_.end(),
                     [](const Level& level) { return level.layer->is_at_end(); });
}

void LayerStack::encode(std::string_view plain, std::string& wire) {
  if (levels_.empty()) {
    wire += plain;
  } else {
    encode(levels_.size() - 1, plain, wire);
  }
}

void LayerStack::encode(std::size_t level, std::string_view plain, std::string& wire) {
  if (plain.empty()) return;
  Level& here = levels_[level];
  if (level == 0) return here.layer->encode(plain, wire);
  here.encoded.clear();
  here.layer->encode(plain, here.encoded);
  encode(level - 1, here.encoded, wire);
}

void LayerStack::flush(std::string& wire) {
  for (std::size_t level = levels_.size(); level-- > 0;) {
    Level& here = levels_[level];
    if (level == 0) {
      here.layer->flush(wire);
      break;
    }
    here.encoded.clear();
    here.layer->flush(here.encoded);
    encode(level - 1, here.encoded, wire);
    if (here.encoded.capacity() > kKeptBytes) std::string().swap(here.encoded);
  }
}

void LayerStack::end(std::string& wire) {
  for (std::size_t level = levels_.size(); level-- > 0;) {
    Level& here = levels_[level];
    if (level == 0) {
      here.layer->end(wire);
      break;
    }
    here.encoded.clear();
    here.layer->end(here.encoded);
    encode(level - 1, here.encoded, wire);
  }
}

}  // namespace nsq::net
