#include "net/listener.h"

#include <fmt/format.h>
#include <sys/resource.h>
#include <unistd.h>

#include <asio/ip/tcp.hpp>
#include <asio/local/stream_protocol.hpp>
#include <asio/read.hpp>
#include <asio/write.hpp>
#include <condition_variable>
#include <deque>
#include <filesystem>
#include <fstream>
#include <mutex>
#include <set>

#include "net/net_error.h"
#include "support/catch.h"

using namespace std::chrono_literals;
using nsq::net::Address;
using nsq::net::EventLoops;
using nsq::net::Listener;
using nsq::net::Socket;

namespace {

// A listener on running loops that keeps what it accepts.
class Accepting {
 public:
  explicit Accepting(std::string_view address) {
    auto opened = Listener::open(loops, Address::parse(address));
    INFO((opened ? "" : opened.error().to_string()));
    REQUIRE(opened.ok());
    listener = std::move(*opened);
    listener->start([this](Socket socket) {
      const std::lock_guard lock(mutex_);
      threads.insert(std::this_thread::get_id());
      sockets_.push_back(std::move(socket));
      arrived_.notify_all();
    });
    loops.start();
  }
  ~Accepting() {
    listener->close();
    loops.stop();
    loops.join();
  }

  bool has_accepted(std::size_t count, std::chrono::seconds patience = 10s) {
    std::unique_lock lock(mutex_);
    return arrived_.wait_for(lock, patience, [&] { return sockets_.size() >= count; });
  }

  // Whether the far end of a new connection has been accepted here.
  bool answers(const nsq::net::Endpoint& endpoint) {
    std::size_t before = 0;
    {
      const std::lock_guard lock(mutex_);
      before = sockets_.size();
    }
    Socket& client = clients_.emplace_back(context_);
    std::error_code error;
    client.connect(endpoint, error);
    return !error && has_accepted(before + 1);
  }

  EventLoops loops{2};
  std::unique_ptr<Listener> listener;
  std::set<std::thread::id> threads;

 private:
  std::mutex mutex_;
  std::condition_variable arrived_;
  std::vector<Socket> sockets_;
  asio::io_context context_;
  std::deque<Socket> clients_;
};

asio::ip::tcp::endpoint loopback4(int port) {
  return {asio::ip::address_v4::loopback(), static_cast<std::uint16_t>(port)};
}
asio::ip::tcp::endpoint loopback6(int port) {
  return {asio::ip::address_v6::loopback(), static_cast<std::uint16_t>(port)};
}

std::string fresh_path() {
  static int number = 0;
  return fmt::format("{}/nsq-listener-{}-{}.sock", std::filesystem::temp_directory_path().string(),
                     ::getpid(), ++number);
}

}  // namespace

TEST_CASE("port 0 picks a free port and says which", "[net]") {
  Accepting accepting("127.0.0.1:0");
  CHECK(accepting.listener->bound_port() > 0);
  CHECK(accepting.listener->local_text() ==
        fmt::format("127.0.0.1:{}", accepting.listener->bound_port()));
  CHECK(accepting.answers(loopback4(accepting.listener->bound_port())));
}

TEST_CASE("connections are spread over the loops", "[net]") {
  Accepting accepting("127.0.0.1:0");
  for (int i = 0; i < 4; ++i) {
    REQUIRE(accepting.answers(loopback4(accepting.listener->bound_port())));
  }
  CHECK(accepting.threads.size() == 2);
}

TEST_CASE("no host means IPv4 and IPv6", "[net]") {
  Accepting accepting(":0");
  CHECK(accepting.answers(loopback4(accepting.listener->bound_port())));
  CHECK(accepting.answers(loopback6(accepting.listener->bound_port())));
}

TEST_CASE("a port that is taken is one clear line", "[net]") {
  Accepting first("127.0.0.1:0");
  const std::string address = first.listener->local_text();
  EventLoops loops(1);
  const auto second = Listener::open(loops, Address::parse(address));
  REQUIRE_FALSE(second);
  CHECK(second.error().code() == std::errc::address_in_use);
  CHECK(second.error().to_string() ==
        fmt::format("listen ({0}) failed - listen tcp {0}: bind: address already in use", address));
}

TEST_CASE("a name that does not resolve is one clear line", "[net]") {
  EventLoops loops(1);
  const auto opened = Listener::open(loops, Address::parse("no.such.host.invalid:1"));
  REQUIRE_FALSE(opened);
  CHECK(opened.error().to_string() ==
        "listen (no.such.host.invalid:1) failed - listen tcp: lookup no.such.host.invalid: "
        "no such host");
}

TEST_CASE("a Unix socket is listened on and its file removed at the end", "[net]") {
  const std::string path = fresh_path();
  {
    Accepting accepting(path);
    CHECK(accepting.listener->bound_port() == -1);
    CHECK(accepting.listener->local_text() == path);
    CHECK(accepting.answers(asio::local::stream_protocol::endpoint(path)));
  }
  CHECK_FALSE(std::filesystem::exists(path));
}

TEST_CASE("a Unix socket that a dead process left behind is replaced", "[net]") {
  const std::string path = fresh_path();
  {
    asio::io_context context;
    asio::local::stream_protocol::acceptor dead(context, path);
  }
  REQUIRE(std::filesystem::exists(path));
  Accepting accepting(path);
  CHECK(accepting.answers(asio::local::stream_protocol::endpoint(path)));
}

TEST_CASE("a Unix socket somebody answers at is left alone", "[net]") {
  const std::string path = fresh_path();
  Accepting first(path);
  EventLoops loops(1);
  const auto second = Listener::open(loops, Address::parse(path));
  REQUIRE_FALSE(second);
  CHECK(second.error().code() == std::errc::address_in_use);
  CHECK(first.answers(asio::local::stream_protocol::endpoint(path)));
}

TEST_CASE("a file that is no socket is left alone", "[net]") {
  const std::string path = fresh_path();
  std::ofstream(path) << "precious";
  EventLoops loops(1);
  const auto opened = Listener::open(loops, Address::parse(path));
  REQUIRE_FALSE(opened);
  CHECK(opened.error().code() == std::errc::address_in_use);
  CHECK(std::filesystem::file_size(path) == 8);
  std::filesystem::remove(path);
}

TEST_CASE("a Unix socket gets the permissions asked for", "[net]") {
  const std::string path = fresh_path();
  EventLoops loops(1);
  const auto opened = Listener::open(loops, Address::parse(path), 0620);
  REQUIRE(opened);
  using std::filesystem::perms;
  CHECK(std::filesystem::status(path).permissions() ==
        (perms::owner_read | perms::owner_write | perms::group_write));
  (*opened)->close();
  loops.run_leftovers();
}

TEST_CASE("an address without a port does not become a file", "[net]") {
  EventLoops loops(1);
  for (const char* text : {"127.0.0.1", "::1", "[::1]", "localhost"}) {
    const auto opened = Listener::open(loops, Address::parse(text));
    REQUIRE_FALSE(opened);
    CHECK(opened.error().to_string() ==
          fmt::format("listen ({0}) failed - listen tcp: address {0}: missing port in address",
                      text));
    CHECK_FALSE(std::filesystem::exists(text));
  }
}

TEST_CASE("a closed listener refuses connections, and its port is free again", "[net]") {
  std::string address;
  {
    Accepting accepting("127.0.0.1:0");
    REQUIRE(accepting.answers(loopback4(accepting.listener->bound_port())));
    address = accepting.listener->local_text();
  }
  EventLoops loops(1);
  CHECK(Listener::open(loops, Address::parse(address)));
}

// The undefined behaviour sanitizer needs a pipe to look at an object's type.
#ifndef __SANITIZE_ADDRESS__
TEST_CASE("running out of file descriptors pauses a listener but does not end it", "[net]") {
  Accepting accepting("127.0.0.1:0");
  const auto endpoint = loopback4(accepting.listener->bound_port());
  asio::io_context context;
  Socket waiting(context);
  waiting.open(endpoint.protocol());

  rlimit before{};
  getrlimit(RLIMIT_NOFILE, &before);
  rlimit none = before;
  none.rlim_cur = 3;  // every number above is refused, whatever is open already
  setrlimit(RLIMIT_NOFILE, &none);
  waiting.connect(endpoint);
  const bool accepted_without_descriptors = accepting.has_accepted(1, 1s);
  setrlimit(RLIMIT_NOFILE, &before);

  CHECK_FALSE(accepted_without_descriptors);
  CHECK(accepting.has_accepted(1));
}
#endif
