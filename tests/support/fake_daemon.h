#pragma once

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <functional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "support/tcp.h"

namespace nsq::test {

// The daemon's end of one connection, spoken by a script.
class FakeSession {
 public:
  explicit FakeSession(int socket) : socket_(socket) {
    set_receive_timeout(socket_, std::chrono::seconds(5));
  }
  ~FakeSession() { ::close(socket_); }
  FakeSession(const FakeSession&) = delete;
  FakeSession& operator=(const FakeSession&) = delete;

  // The next command line, without its end; "end" once the client has ended its half.
  std::string line() {
    std::string text;
    char c = 0;
    while (read_exactly(&c, 1)) {
      if (c == '\n') return text;
      text += c;
    }
    return "end";
  }
  // The body after a command line.
  std::string body() {
    unsigned char size[4];
    if (!read_exactly(size, 4)) return "";
    std::size_t bytes = 0;
    for (const unsigned char byte : size) bytes = bytes << 8 | byte;
    std::string text(bytes, '\0');
    read_exactly(text.data(), text.size());
    return text;
  }
  // Takes magic and IDENTIFY, answers, and returns the client's document.
  std::string identify(std::string_view reply = R"({"max_rdy_count":2500})") {
    char magic[4];
    read_exactly(magic, 4);
    line();
    std::string document = body();
    respond(reply);
    return document;
  }

  void respond(std::string_view data) { frame(0, data); }
  void refuse(std::string_view error) { frame(1, error); }
  void deliver(std::string_view id, std::string_view text, int attempts = 1) {
    frame(2, std::string(8, '\0') + static_cast<char>(attempts >> 8) + static_cast<char>(attempts) +
                 std::string(id) + std::string(text));
  }
  void heartbeat() { respond("_heartbeat_"); }
  // Bytes as they are.
  void raw(std::string_view bytes) { send_all(socket_, bytes); }

  // The opening of a consumer's connection; returns SUB and the RDY after it.
  std::vector<std::string> subscribe(std::string_view reply = R"({"max_rdy_count":2500})") {
    identify(reply);
    std::vector<std::string> seen{line()};
    respond("OK");
    seen.push_back(line());
    return seen;
  }
  // A publish's command line and body.
  std::string publish() {
    const std::string command = line();
    return command == "end" ? command : command + " " + body();
  }
  // Whether the client closes within the time a session waits for anything.
  bool is_closed_by_client() {
    char c = 0;
    while (read_exactly(&c, 1)) {
    }
    return ended_;
  }

 private:
  bool read_exactly(void* to, std::size_t count) {
    auto* next = static_cast<char*>(to);
    while (count > 0) {
      const ssize_t got = ::recv(socket_, next, count, 0);
      if (got == 0 || (got < 0 && errno == ECONNRESET)) ended_ = true;
      if (got <= 0) return false;
      next += got;
      count -= static_cast<std::size_t>(got);
    }
    return true;
  }
  void frame(char type, std::string_view data) {
    const std::size_t size = data.size() + 4;
    std::string bytes{static_cast<char>(size >> 24),
                      static_cast<char>(size >> 16),
                      static_cast<char>(size >> 8),
                      static_cast<char>(size),
                      '\0',
                      '\0',
                      '\0',
                      type};
    send_all(socket_, bytes.append(data));
  }

  int socket_;
  bool ended_ = false;  // by the client
};

// Listens on a free port and runs one script per connection, in turn, on a thread of its own. A
// script returns what it saw; `transcript` is all of that. Assertions stay in the test's thread.
class FakeDaemon {
 public:
  using Script = std::function<std::vector<std::string>(FakeSession&)>;

  explicit FakeDaemon(std::vector<Script> scripts) {
    listener_ = ::socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    if (::bind(listener_, reinterpret_cast<sockaddr*>(&address), size) != 0 ||
        ::listen(listener_, 8) != 0 ||
        ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size) != 0) {
      throw std::runtime_error("cannot listen");
    }
    address_ = "127.0.0.1:" + std::to_string(ntohs(address.sin_port));
    set_receive_timeout(listener_, std::chrono::seconds(5));
    thread_ = std::thread([this, scripts = std::move(scripts)] {
      for (const Script& script : scripts) {
        const int socket = ::accept(listener_, nullptr, nullptr);
        if (socket < 0) return;
        FakeSession session(socket);
        try {
          for (std::string& saw : script(session)) transcript_.push_back(std::move(saw));
        } catch (const ConnectionLost& lost) {
          transcript_.push_back(lost.what());
        }
      }
    });
  }
  ~FakeDaemon() {
    if (thread_.joinable()) thread_.join();
    ::close(listener_);
  }
  FakeDaemon(const FakeDaemon&) = delete;
  FakeDaemon& operator=(const FakeDaemon&) = delete;

  const std::string& address() const { return address_; }
  // Waits for the scripts to end.
  const std::vector<std::string>& transcript() {
    if (thread_.joinable()) thread_.join();
    return transcript_;
  }

 private:
  int listener_ = -1;
  std::string address_;
  std::vector<std::string> transcript_;
  std::thread thread_;
};

}  // namespace nsq::test
