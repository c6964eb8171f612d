#include "daemon/client_layers.h"

#include <algorithm>
#include <array>
#include <asio/buffer.hpp>
#include <span>
#include <utility>

#include "base/assert.h"

namespace nsq::daemon {
namespace {

// Memory kept for the next frames.
constexpr std::size_t kKeptBytes = std::size_t{4} << 10;

}  // namespace

void ClientLayers::push(std::unique_ptr<net::Layer> layer, std::string below) {
  stack_.push(std::move(layer), std::move(below));
}

void ClientLayers::receive(std::string_view bytes) {
  received_.erase(0, std::exchange(decoded_, 0));
  received_ += bytes;
}

Result<std::size_t> ClientLayers::decode(InputBuffer& input, std::size_t needed) {
  std::string_view wire = std::string_view(received_).substr(decoded_);
  std::span<char> room = input.prepare(needed);
  room = room.first(std::min(room.size(), kDecodedBytes));
  const auto count = stack_.decode(wire, room);
  if (!count) return count;
  input.commit(*count);
  filled_room_ = *count == room.size();
  decoded_ = received_.size() - wire.size();
  // An idle client's buffers hold nothing.
  if (wire.empty()) {
    std::string().swap(received_);
    decoded_ = 0;
  }
  return count;
}

void ClientLayers::encode(ClientOutput& output) {
  std::array<asio::const_buffer, ClientOutput::kMaxParts> parts;
  std::size_t room = kEncodedBytes;
  while (room > 0 && !output.empty()) {
    std::size_t taken = 0;
    for (const asio::const_buffer& part : output.gather(parts)) {
      const std::size_t count = std::min(part.size(), room - taken);
      stack_.encode({static_cast<const char*>(part.data()), count}, encoded_);
      taken += count;
    }
    output.consume(taken);
    room -= taken;
  }
  if (output.empty()) stack_.flush(encoded_);
}

void ClientLayers::encode_all(ClientOutput& output) {
  do {
    encode(output);
  } while (!output.empty());
}

void ClientLayers::end() {
  if (!std::exchange(has_ended_, true)) stack_.end(encoded_);
}

void ClientLayers::consume_written(std::size_t count) {
  NSQ_ASSERT(count <= encoded_.size() - written_);
  written_ += count;
  if (written_ < encoded_.size()) return;
  encoded_.clear();
  if (encoded_.capacity() > kKeptBytes) std::string().swap(encoded_);
  written_ = 0;
}

}  // namespace nsq::daemon
