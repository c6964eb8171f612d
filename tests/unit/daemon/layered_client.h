#pragma once

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "net/deflate_layer.h"
#include "net/layer.h"
#include "net/snappy_layer.h"
#include "net/tls_context.h"
#include "net/tls_layer.h"
#include "protocol/frame_reader.h"
#include "support/catch.h"
#include "support/tcp.h"
#include "unit/daemon/session_fixture.h"

namespace nsq::daemon::test {

// A client that asks for TLS and compression, and reads and writes at the same time: bytes to send
// wait here until the socket takes them, which is tried whenever a frame is waited for.
class LayeredClient {
 public:
  explicit LayeredClient(std::uint16_t port) : socket_(nsq::test::connect_tcp("127.0.0.1", port)) {
    ::fcntl(socket_, F_SETFL, O_NONBLOCK);
    send("  V2");
  }
  ~LayeredClient() { ::close(socket_); }
  LayeredClient(const LayeredClient&) = delete;
  LayeredClient& operator=(const LayeredClient&) = delete;

  void send(std::string_view plain) {
    layers_.encode(plain, to_send_);
    layers_.flush(to_send_);
    send_some();
  }
  // Past all layers.
  void send_raw(std::string_view bytes) {
    to_send_ += bytes;
    send_some();
  }
  bool has_sent_all() const { return to_send_.empty(); }

  // The next frame's data, or how the connection ended; "<nothing>" if neither comes in time.
  std::string next(std::chrono::milliseconds timeout = std::chrono::seconds(20)) {
    protocol::FrameReader reader(100'000'000);
    while (reader.read(std::string_view(plain_).substr(taken_)) !=
           protocol::FrameReader::Outcome::Frame) {
      plain_.erase(0, std::exchange(taken_, 0));
      const std::string end = receive(timeout);
      if (!end.empty()) return end;
    }
    taken_ += reader.frame().consumed;
    return std::string(reader.frame().data);
  }
  // What comes next, as it is on the wire. Requires: no layers yet.
  std::string next_raw() {
    wire_.insert(0, plain_.substr(std::exchange(taken_, 0)));  // came right behind the last frame
    plain_.clear();
    if (wire_.empty()) {
      const std::string end = receive_raw(std::chrono::seconds(20));
      if (!end.empty()) return end;
    }
    return std::exchange(wire_, {});
  }

  // Asks for what the document says, and does it as the answer grants it. Returns the answer.
  std::string negotiate(const std::string& json,
                        const std::shared_ptr<const net::TlsContext>& tls = nullptr) {
    send("IDENTIFY\n" + sized(json));
    const std::string reply = next();
    const auto granted = [&](const char* name) {
      return reply.find(std::string("\"") + name + "\":true") != std::string::npos;
    };
    if (granted("tls_v1")) start_tls(tls);
    if (granted("snappy")) push(std::make_unique<net::SnappyLayer>());
    if (granted("deflate")) push(std::make_unique<net::DeflateLayer>(6));
    return reply;
  }
  void start_tls(const std::shared_ptr<const net::TlsContext>& context) {
    auto layer = net::TlsContext::connect(context, "localhost");
    for (;;) {
      std::string_view wire = wire_;
      const auto done = layer->handshake(wire);
      REQUIRE(done);
      wire_.erase(0, wire_.size() - wire.size());
      layer->flush(to_send_);
      send_some();
      if (*done) break;
      REQUIRE(receive_raw(std::chrono::seconds(20)) == "");
    }
    push(std::move(layer));
  }
  // From here on, within what there is. Waits for the OK that says so.
  void push(std::unique_ptr<net::Layer> layer) {
    // What came right behind the last frame is the new layer's.
    std::string early = plain_.substr(std::exchange(taken_, 0));
    plain_.clear();
    if (layers_.empty()) wire_.insert(0, std::exchange(early, {}));
    layers_.push(std::move(layer), std::move(early));
    CHECK(next() == "OK");
  }

 private:
  void send_some() {
    while (!to_send_.empty()) {
      const ssize_t sent = ::send(socket_, to_send_.data(), to_send_.size(), MSG_NOSIGNAL);
      if (sent <= 0) return;
      to_send_.erase(0, static_cast<std::size_t>(sent));
    }
  }

  // Both return how it ended, "" if something came.
  std::string receive(std::chrono::milliseconds timeout) {
    for (const std::size_t before = plain_.size();;) {
      std::string_view wire = wire_;
      for (std::string room(65536, '\0');;) {
        const auto count = layers_.decode(wire, {room.data(), room.size()});
        if (!count) return "<" + count.error().to_string() + ">";
        plain_.append(room, 0, *count);
        if (*count < room.size()) break;
      }
      wire_.erase(0, wire_.size() - wire.size());
      if (plain_.size() > before) return "";
      if (layers_.is_at_end()) return "<ended>";
      const std::string end = receive_raw(timeout);
      if (!end.empty()) return end;
    }
  }

  std::string receive_raw(std::chrono::milliseconds timeout) {
    const auto deadline = std::chrono::steady_clock::now() + timeout;
    for (;;) {
      const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
          deadline - std::chrono::steady_clock::now());
      if (left.count() <= 0) return "<nothing>";
      const short wanted = to_send_.empty() ? POLLIN : POLLIN | POLLOUT;
      pollfd waiting{.fd = socket_, .events = wanted, .revents = 0};
      if (::poll(&waiting, 1, static_cast<int>(left.count())) <= 0) return "<nothing>";
      if ((waiting.revents & POLLOUT) != 0) send_some();
      char buffer[65536];
      const ssize_t count = ::recv(socket_, buffer, sizeof buffer, 0);
      if (count == 0) return "<closed>";
      if (count < 0 && errno == EAGAIN) continue;
      if (count < 0) return "<reset>";
      wire_.append(buffer, static_cast<std::size_t>(count));
      return "";
    }
  }

  const int socket_;
  net::LayerStack layers_;
  std::string to_send_;
  std::string wire_;   // received, not decoded
  std::string plain_;  // from `taken_` on not yet shown
  std::size_t taken_ = 0;
};

}  // namespace nsq::daemon::test
