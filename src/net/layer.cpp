#include "net/layer.h"

#include <algorithm>
#include <cstring>
#include <utility>

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

void LayerStack::push(std::unique_ptr<Layer> layer) {
  levels_.push_back({std::move(layer), nullptr, {}, {}});
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
    const auto decoded = here.layer->decode(here.undecoded, room.subspan(written));
    if (!decoded) return decoded.error();
    written += *decoded;
    if (written == room.size() || here.layer->is_at_end()) break;
    if (!here.below) here.below.reset(new char[kBelowBytes]);
    const auto fed = decode(level - 1, wire, {here.below.get(), kBelowBytes});
    if (!fed) return fed.error();
    here.undecoded = {here.below.get(), *fed};
    if (*fed == 0) break;
  }
  if (here.undecoded.empty()) here.below.reset();
  return written;
}

bool LayerStack::is_at_end() const {
  // What a lower level has handed up before its end is not decoded yet, perhaps.
  return std::any_of(levels_.begin(), levels_.end(), [](const Level& level) {
    return level.layer->is_at_end() && level.undecoded.empty();
  });
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
