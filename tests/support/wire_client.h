#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "support/tcp.h"

// A blocking client speaking just enough of the V2 protocol to load and to check a daemon. It is
// written from the protocol's description and shares no code with src/: a mistake there must not
// hide behind the same mistake here.
namespace nsq::test {

struct Frame {
  enum Type : std::uint32_t { kResponse = 0, kError = 1, kMessage = 2 };
  std::uint32_t type;
  std::string_view data;

  // Parts of a message frame.
  std::uint16_t attempts() const;
  std::string_view id() const { return data.substr(10, 16); }
  std::string_view body() const { return data.substr(26); }
};

// Commands, appended to `to` as they go over the wire.
void append_pub(std::string& to, std::string_view topic, std::string_view body);
void append_mpub(std::string& to, std::string_view topic, std::span<const std::string> bodies);
void append_dpub(std::string& to, std::string_view topic, int delay_ms, std::string_view body);
void append_fin(std::string& to, std::string_view id);

// Threading: confined.
class WireClient {
 public:
  // Connects and sends the magic. Throws ConnectionLost.
  WireClient(const std::string& host, std::uint16_t port);
  ~WireClient();
  WireClient(WireClient&& other) noexcept;
  WireClient(const WireClient&) = delete;
  WireClient& operator=(const WireClient&) = delete;

  // Sends all of `bytes`. Throws ConnectionLost.
  void send(std::string_view bytes);

  // The next frame; empty when none came within `timeout`. Heartbeats are answered here and not
  // shown. The frame is valid until the next call. Throws ConnectionLost.
  std::optional<Frame> next_frame(std::chrono::milliseconds timeout);
  // The next frame among the bytes already received, without a system call.
  std::optional<Frame> buffered_frame();
  // Receives what is there; false when nothing came within `timeout`. Throws ConnectionLost.
  bool receive(std::chrono::milliseconds timeout);

  // Sends `command` and waits for OK. Throws ConnectionLost on anything else.
  void expect_ok(std::string_view command);

 private:
  void set_timeout(std::chrono::milliseconds timeout);

  int socket_ = -1;
  std::chrono::milliseconds timeout_{0};  // set on the socket; 0 is none
  std::vector<char> buffer_;
  std::size_t begin_ = 0;  // buffer_[begin_, end_) is received and not yet looked at
  std::size_t end_ = 0;
};

}  // namespace nsq::test
