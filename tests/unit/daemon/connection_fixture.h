#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <asio/post.hpp>
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>

#include "broker/broker.h"
#include "daemon/client_service.h"
#include "net/listener.h"
#include "protocol/frame_reader.h"
#include "storage/work_queue.h"
#include "support/memory_file_system.h"

namespace nsq::daemon::test {

// Clients over real sockets, on real loops, before a broker whose disk is memory.
class ConnectionFixture {
 public:
  explicit ConnectionFixture(Options daemon_options = {}, broker::Options broker_options = {},
                             std::size_t loop_count = 1,
                             std::shared_ptr<const net::TlsContext> tls = nullptr)
      : options(std::move(daemon_options)),
        loops(loop_count),
        acceptor_(tls ? std::make_unique<net::TlsAcceptor>(std::move(tls), 1) : nullptr),
        work_(disk_),
        broker(
            std::move(broker_options), "data", "1.4.0", files, work_, [](Instant) {}, 1),
        service(std::make_unique<ClientService>(loops, broker, options,
                                                ClientService::Tls{.acceptor = acceptor_.get()})) {
    REQUIRE(files.create_directory("data"));
    REQUIRE(broker.load(Moment::now()));
    auto opened = net::Listener::open(loops, net::Address::parse("127.0.0.1:0"));
    REQUIRE(opened);
    listener_ = std::move(opened.value());
    listener_->start([this](net::Socket socket) { service->accept(std::move(socket)); });
    loops.start();
    disk_.start();
  }
  ~ConnectionFixture() {
    service->close_all();
    eventually([&] { return service->connections().empty(); });
    listener_.reset();
    loops.stop();
    loops.join();
    disk_.stop();
    disk_.join();
  }

  std::uint16_t port() const { return static_cast<std::uint16_t>(listener_->bound_port()); }

  // Whether `condition` comes true within half a minute.
  static bool eventually(const std::function<bool()>& condition) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(30);
    while (!condition()) {
      if (std::chrono::steady_clock::now() > deadline) return false;
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    return true;
  }

  Options options;
  net::EventLoops loops;

 private:
  class LoopWork final : public storage::WorkQueue {
   public:
    explicit LoopWork(net::EventLoops& disk) : disk_(disk) {}
    void submit(Lane, std::function<void()> work) override {
      asio::post(disk_.loop(0), std::move(work));
    }

   private:
    net::EventLoops& disk_;
  };
  const std::unique_ptr<net::TlsAcceptor> acceptor_;
  net::EventLoops disk_{1, "disk"};
  LoopWork work_;

 public:
  nsq::test::MemoryFileSystem files;
  broker::Broker broker;
  std::unique_ptr<ClientService> service;

 private:
  std::unique_ptr<net::Listener> listener_;
};

// A client that does exactly what it is told, and nothing by itself.
class RawClient {
 public:
  explicit RawClient(const ConnectionFixture& daemon, const std::string& magic = "  V2")
      : socket_(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(daemon.port());
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    REQUIRE(::connect(socket_, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
    send(magic);
  }
  ~RawClient() { close(); }
  RawClient(const RawClient&) = delete;
  RawClient& operator=(const RawClient&) = delete;

  // Whether all of it could be sent.
  bool send(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t sent = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent <= 0) return false;
      bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
    return true;
  }
  void finish_sending() { ::shutdown(socket_, SHUT_WR); }
  void close() {
    if (socket_ >= 0) ::close(std::exchange(socket_, -1));
  }

  // The next frame's data; "<closed>" at the end of the stream, "<reset>" if it is torn down,
  // "<nothing>" if neither comes in time.
  std::string next(std::chrono::milliseconds timeout = std::chrono::seconds(10)) {
    protocol::FrameReader reader(100'000'000);
    while (reader.read(received_) != protocol::FrameReader::Outcome::Frame) {
      pollfd waiting{.fd = socket_, .events = POLLIN, .revents = 0};
      if (::poll(&waiting, 1, static_cast<int>(timeout.count())) <= 0) return "<nothing>";
      char buffer[65536];
      const ssize_t count = ::recv(socket_, buffer, sizeof buffer, 0);
      if (count == 0) return "<closed>";
      if (count < 0) return "<reset>";
      received_.append(buffer, static_cast<std::size_t>(count));
    }
    std::string data(reader.frame().data);
    received_.erase(0, reader.frame().consumed);
    return data;
  }

 private:
  int socket_;
  std::string received_;
};

}  // namespace nsq::daemon::test
