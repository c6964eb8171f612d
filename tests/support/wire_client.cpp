#include "support/wire_client.h"

#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

namespace nsq::test {
namespace {

constexpr std::size_t kBufferBytes = 1U << 20;
constexpr std::size_t kHeaderBytes = 8;           // size and type
constexpr std::size_t kMaxFrameBytes = 1U << 28;  // anything longer is not NSQ

std::uint32_t load_u32(const char* from) {
  const auto byte = [&](int i) {
    return static_cast<std::uint32_t>(static_cast<unsigned char>(from[i]));
  };
  return byte(0) << 24 | byte(1) << 16 | byte(2) << 8 | byte(3);
}

void append_u32(std::string& to, std::size_t value) {
  for (const int shift : {24, 16, 8, 0}) to += static_cast<char>(value >> shift & 0xff);
}

}  // namespace

std::uint16_t Frame::attempts() const {
  return static_cast<std::uint16_t>(static_cast<unsigned char>(data[8]) << 8 |
                                    static_cast<unsigned char>(data[9]));
}

void append_pub(std::string& to, std::string_view topic, std::string_view body) {
  to.append("PUB ").append(topic).append("\n");
  append_u32(to, body.size());
  to += body;
}

void append_mpub(std::string& to, std::string_view topic, std::span<const std::string> bodies) {
  std::size_t bytes = 4;
  for (const std::string& body : bodies) bytes += 4 + body.size();
  to.append("MPUB ").append(topic).append("\n");
  append_u32(to, bytes);
  append_u32(to, bodies.size());
  for (const std::string& body : bodies) {
    append_u32(to, body.size());
    to += body;
  }
}

void append_dpub(std::string& to, std::string_view topic, int delay_ms, std::string_view body) {
  to.append("DPUB ").append(topic).append(" ").append(std::to_string(delay_ms)).append("\n");
  append_u32(to, body.size());
  to += body;
}

void append_fin(std::string& to, std::string_view id) {
  to.append("FIN ").append(id).append("\n");
}

WireClient::WireClient(const std::string& host, std::uint16_t port)
    : socket_(connect_tcp(host, port)), buffer_(kBufferBytes) {
  send("  V2");
}

WireClient::~WireClient() {
  if (socket_ >= 0) ::close(socket_);
}

WireClient::WireClient(WireClient&& other) noexcept
    : socket_(std::exchange(other.socket_, -1)),
      timeout_(other.timeout_),
      buffer_(std::move(other.buffer_)),
      begin_(other.begin_),
      end_(other.end_) {}

void WireClient::send(std::string_view bytes) {
  send_all(socket_, bytes);
}

void WireClient::set_timeout(std::chrono::milliseconds timeout) {
  if (timeout == timeout_) return;
  set_receive_timeout(socket_, timeout);
  timeout_ = timeout;
}

bool WireClient::receive(std::chrono::milliseconds timeout) {
  if (begin_ == end_) begin_ = end_ = 0;
  // Room for at least half a buffer beside a frame that is still incomplete.
  if (buffer_.size() - end_ < kBufferBytes / 2) {
    std::memmove(buffer_.data(), buffer_.data() + begin_, end_ - begin_);
    end_ -= begin_;
    begin_ = 0;
    if (buffer_.size() - end_ < kBufferBytes / 2) buffer_.resize(buffer_.size() * 2);
  }
  const int flags = timeout.count() <= 0 ? MSG_DONTWAIT : 0;
  if (flags == 0) set_timeout(timeout);
  const ssize_t received = ::recv(socket_, buffer_.data() + end_, buffer_.size() - end_, flags);
  if (received > 0) {
    end_ += static_cast<std::size_t>(received);
    return true;
  }
  if (received == 0) throw ConnectionLost("the daemon closed the connection");
  if (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR) return false;
  throw ConnectionLost(std::string("receive: ") + std::strerror(errno));
}

std::optional<Frame> WireClient::buffered_frame() {
  while (end_ - begin_ >= kHeaderBytes) {
    const char* start = buffer_.data() + begin_;
    const std::size_t size = load_u32(start);
    if (size < 4 || size > kMaxFrameBytes) throw ConnectionLost("not an NSQ frame");
    if (end_ - begin_ < 4 + size) return std::nullopt;
    begin_ += 4 + size;
    const Frame frame{load_u32(start + 4), std::string_view(start + kHeaderBytes, size - 4)};
    if (frame.type != Frame::kResponse || frame.data != "_heartbeat_") return frame;
    send("NOP\n");
  }
  return std::nullopt;
}

std::optional<Frame> WireClient::next_frame(std::chrono::milliseconds timeout) {
  const auto deadline = std::chrono::steady_clock::now() + timeout;
  while (true) {
    if (auto frame = buffered_frame()) return frame;
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
        deadline - std::chrono::steady_clock::now());
    if (!receive(left) && left.count() <= 0) return std::nullopt;
  }
}

void WireClient::expect_ok(std::string_view command) {
  send(command);
  const auto frame = next_frame(std::chrono::seconds(10));
  if (!frame) throw ConnectionLost("no answer");
  if (frame->type != Frame::kResponse || frame->data != "OK") {
    throw ConnectionLost("the daemon answered " + std::string(frame->data));
  }
}

}  // namespace nsq::test
