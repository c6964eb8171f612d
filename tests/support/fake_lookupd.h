#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <list>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

// A lookupd whose behaviour is a test's business, in one thread. It shares no code with src/.
namespace nsq::test {

class FakeLookupd {
 public:
  // Answers GET /channels with this body; by default there are none.
  explicit FakeLookupd(std::string channels_body = R"({"channels":[]})");
  ~FakeLookupd();
  FakeLookupd(const FakeLookupd&) = delete;
  FakeLookupd& operator=(const FakeLookupd&) = delete;

  std::string address() const { return "127.0.0.1:" + std::to_string(tcp_port_); }
  std::uint16_t tcp_port() const { return tcp_port_; }

  // What daemons said, a line each: "IDENTIFY {...}", "REGISTER t c".
  std::vector<std::string> said() const;
  bool heard(std::string_view line) const;
  int connection_count() const { return connection_count_; }

  // From now on: leaves every command unanswered; leaves HTTP unanswered; answers commands with
  // these bytes; names itself so in answers to IDENTIFY.
  void hang(bool hangs) { hangs_ = hangs; }
  void hang_http(bool hangs) { http_hangs_ = hangs; }
  void answer_with(std::string bytes);
  void call_itself(std::string hostname);
  // Closes all connections.
  void drop();

 private:
  struct Connection {
    int socket = -1;
    bool is_http = false;
    std::string input{};
    bool greeted = false;
  };

  void run();
  void accept_from(int listener, bool is_http);
  bool serve(Connection& connection);
  bool serve_line(Connection& connection);
  std::string answer_to(std::string_view line);

  const std::string channels_body_;
  int tcp_listener_ = -1;
  int http_listener_ = -1;
  std::uint16_t tcp_port_ = 0;
  std::uint16_t http_port_ = 0;
  std::atomic<bool> hangs_{false};
  std::atomic<bool> http_hangs_{false};
  std::atomic<bool> drops_{false};
  std::atomic<bool> is_ending_{false};
  std::atomic<int> connection_count_{0};

  mutable std::mutex mutex_;  // guards what follows
  std::vector<std::string> said_;
  std::string fixed_answer_;
  std::string hostname_ = "fake";

  std::list<Connection> connections_;
  std::thread thread_;
};

}  // namespace nsq::test
