#pragma once

#include <atomic>
#include <cstdint>
#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

// A network between a client and a server that can fail in the ways networks do.
namespace nsq::test {

// Listens on a free port and passes what comes on to another one, both ways.
//
// Threading: shared. The threads it starts end with it.
class CuttingProxy {
 public:
  enum class State {
    Open,         // bytes pass
    Stalled,      // connections stay and are made, and nothing passes any more
    Cut,          // connections are reset, new ones too
    SwallowsBack  // half open: what the client sends arrives, what the server answers is lost
  };

  // The server may come later.
  explicit CuttingProxy(std::uint16_t server_port);
  ~CuttingProxy();
  CuttingProxy(const CuttingProxy&) = delete;
  CuttingProxy& operator=(const CuttingProxy&) = delete;

  std::uint16_t port() const { return port_; }
  std::string address() const { return "127.0.0.1:" + std::to_string(port_); }

  // Holds for the connections there are and for those to come.
  void set(State state);
  // Connections made so far.
  int connection_count() const { return connection_count_; }

 private:
  struct Connection {
    int client = -1;
    int server = -1;
    std::thread thread;
  };

  void accept_all();
  void serve(Connection& connection);
  bool pass_on(int from, int to, bool is_back);

  const std::uint16_t server_port_;
  int listener_ = -1;
  std::uint16_t port_ = 0;
  std::atomic<State> state_{State::Open};
  std::atomic<bool> is_ending_{false};
  std::atomic<int> connection_count_{0};
  std::mutex mutex_;
  std::list<Connection> connections_;  // those ever made; guarded by mutex_
  std::thread acceptor_;
};

}  // namespace nsq::test
