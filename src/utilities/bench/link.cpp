#include "utilities/bench/link.h"

#include <fmt/format.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>
#include <utility>

#include "nsq/client_error.h"

namespace nsq::utilities {
namespace {

constexpr std::size_t kWireBytes = std::size_t{64} << 10;  // read at a time below layers

bool must_wait(int error) {
  return error == EAGAIN || error == EWOULDBLOCK || error == EINTR;
}

}  // namespace

Link::Link(int descriptor, net::LayerStack layers, std::string undecoded, std::string address)
    : descriptor_(descriptor), address_(std::move(address)), wire_(std::move(undecoded)) {
  if (!layers.empty()) layers_ = std::move(layers);
}

Link::~Link() {
  ::close(descriptor_);
}

Error Link::failure(std::error_code code, std::string_view text) const {
  return Error(code, fmt::format("{}: {}", address_, text));
}

Result<std::size_t> Link::send_some(std::string_view bytes) {
  const ssize_t sent = ::send(descriptor_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
  if (sent >= 0) return static_cast<std::size_t>(sent);
  // A daemon that ends the connection has often said why: reading tells, and fails if it has not.
  if (must_wait(errno) || errno == EPIPE || errno == ECONNRESET) return std::size_t{0};
  return failure(std::error_code(errno, std::system_category()), "write");
}

Result<void> Link::send(std::string_view bytes) {
  if (layers_) {
    layers_->encode(bytes, unsent_);
    layers_->flush(unsent_);
    return send_unsent();
  }
  if (!has_unsent()) {
    const auto sent = send_some(bytes);
    if (!sent) return sent.error();
    bytes.remove_prefix(*sent);
  }
  unsent_.append(bytes);
  return {};
}

Result<void> Link::send_unsent() {
  if (has_unsent()) {
    const auto sent = send_some(std::string_view(unsent_).substr(unsent_at_));
    if (!sent) return sent.error();
    unsent_at_ += *sent;
  }
  if (!has_unsent()) {
    unsent_.clear();
    unsent_at_ = 0;
  }
  return {};
}

Result<bool> Link::receive() {
  if (layers_) return receive_layered();
  const auto room = input_.room(wanted_);
  const auto received = receive_wire(room.data, room.bytes);
  if (!received) return received.error();
  input_.received(*received);
  return *received > 0;
}

Result<std::size_t> Link::receive_wire(char* to, std::size_t room) {
  const ssize_t received = ::recv(descriptor_, to, room, 0);
  if (received > 0) return static_cast<std::size_t>(received);
  if (received < 0 && must_wait(errno)) return std::size_t{0};
  if (received < 0) return failure(std::error_code(errno, std::system_category()), "read");
  return failure(ClientErrc::Disconnected, "the daemon closed the connection");
}

Result<bool> Link::receive_layered() {
  const std::size_t held = wire_.size();
  wire_.resize(held + kWireBytes);
  const auto received = receive_wire(wire_.data() + held, kWireBytes);
  wire_.resize(held + (received ? *received : 0));
  if (!received) return received.error();

  std::string_view undecoded = wire_;
  bool any = false;
  while (true) {
    const auto room = input_.room(wanted_);
    const auto decoded = layers_->decode(undecoded, {room.data, room.bytes});
    if (!decoded) return failure(decoded.error().code(), decoded.error().to_string());
    input_.received(*decoded);
    any = any || *decoded > 0;
    if (*decoded < room.bytes) break;
  }
  wire_.erase(0, wire_.size() - undecoded.size());
  if (layers_->is_at_end()) {
    return failure(ClientErrc::Disconnected, "the daemon closed the connection");
  }
  // A layer may have something to say about what it has read.
  layers_->flush(unsent_);
  if (const auto sent = send_unsent(); !sent) return sent.error();
  return any;
}

}  // namespace nsq::utilities
