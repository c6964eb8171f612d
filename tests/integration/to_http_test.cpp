// `nsq to-http` with a real daemon and targets that fail, vanish, are slow, or speak HTTPS.

#include <signal.h>

#include <algorithm>
#include <asio/post.hpp>
#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "http/router.h"
#include "http/server.h"
#include "http/tls_transport.h"
#include "integration/channel_watch.h"
#include "integration/process.h"
#include "net/event_loops.h"
#include "net/listener.h"
#include "net/tls_acceptor.h"
#include "net/tls_context.h"
#include "support/catch.h"
#include "support/certificates.h"
#include "support/quiet_log.h"

using namespace nsq::test;
using namespace std::chrono_literals;
namespace http = nsq::http;
namespace net = nsq::net;

namespace {

using Lines = std::vector<std::string>;

// A web server on a thread of its own.
class Target {
 public:
  // Given a message it says the status; 0 leaves the request hanging until `release`.
  using Answer = std::function<int(const std::string& body)>;

  explicit Target(
      Answer answer = [](const std::string&) { return 200; }, int port = 0,
      const Certificates* certificates = nullptr)
      : answer_(std::move(answer)) {
    if (certificates != nullptr) {
      const auto pair = certificates->server();
      tls_.emplace(
          net::TlsContext::for_server({.cert_file = pair.cert, .key_file = pair.key}).value(), 1);
    }
    const auto handle = [this](http::Exchange& exchange) { take(exchange); };
    router_.add(http::Method::Post, "/x", handle, {.body_limit = 1 << 20});
    loops_.start();
    auto listener =
        net::Listener::open(loops_, net::Address::parse("127.0.0.1:" + std::to_string(port)));
    REQUIRE(listener);
    listener_ = std::move(*listener);
    listener_->start([this](net::Socket socket) {
      ++connection_count;
      if (tls_) {
        server_.serve(http::make_tls_transport(std::move(socket), *tls_));
      } else {
        server_.serve(std::move(socket));
      }
    });
  }
  ~Target() {
    release();
    listener_->close();
    server_.close();
    loops_.stop();
    loops_.join();
  }

  int port() const { return listener_->bound_port(); }
  std::string flag() const {
    return std::string("--post=") + (tls_ ? "https" : "http") +
           "://127.0.0.1:" + std::to_string(port()) + "/x";
  }
  std::multiset<std::string> bodies() {
    const std::lock_guard lock(mutex_);
    return bodies_;
  }
  void release() {
    std::vector<http::Responder> hanging;
    {
      const std::lock_guard lock(mutex_);
      hanging.swap(hanging_);
    }
    for (http::Responder& responder : hanging) {
      const auto executor = responder.executor();
      asio::post(executor, [responder = std::move(responder)]() mutable {
        responder.response().plain(200, "late");
        responder.send();
      });
    }
  }

  std::atomic<int> connection_count{0};

 private:
  void take(http::Exchange& exchange) {
    const std::string body(exchange.request.body);
    const int status = answer_(body);
    const std::lock_guard lock(mutex_);
    bodies_.insert(body);
    if (status == 0) return hanging_.push_back(exchange.answer_later());
    exchange.response.plain(status, "answer");
  }

  QuietLog quiet_;
  Answer answer_;
  std::mutex mutex_;
  std::multiset<std::string> bodies_;
  std::vector<http::Responder> hanging_;
  std::optional<net::TlsAcceptor> tls_;
  http::Router router_;
  http::Server server_{router_};
  net::EventLoops loops_{1};
  std::unique_ptr<net::Listener> listener_;
};

std::set<std::string> set_of(const std::multiset<std::string>& bodies) {
  return {bodies.begin(), bodies.end()};
}

Lines numbered(int count) {
  Lines bodies;
  for (int i = 0; i < count; ++i) bodies.push_back("message " + std::to_string(i));
  return bodies;
}

struct Fixture {
  TemporaryDirectory data;
  TemporaryDirectory files;
  std::optional<Daemon> daemon{std::in_place, data.path()};

  std::unique_ptr<Process> start(Lines flags) {
    // Short waits; and whatever fails is tried again.
    Lines arguments{binary(),
                    "to-http",
                    "--topic=t",
                    "--nsqd-tcp-address=" + daemon->tcp_address(),
                    "--consumer-opt=default_requeue_delay,20ms",
                    "--consumer-opt=backoff_multiplier,5ms",
                    "--consumer-opt=max_backoff_duration,50ms",
                    "--consumer-opt=max_attempts,0"};
    arguments.insert(arguments.end(), flags.begin(), flags.end());
    return std::make_unique<Process>(arguments, files.path());
  }
  bool is_drained() { return nsq::test::is_drained(*daemon, "t", "nsq_to_http"); }
  static int end(Process& process) {
    process.signal(SIGTERM);
    return process.wait();
  }
};

}  // namespace

TEST_CASE("a target that fails gets everything once it recovers", "[integration]") {
  Fixture fixture;
  const Lines bodies = numbered(50);
  publish(*fixture.daemon, "t", bodies);
  std::atomic<int> requests{0};
  Target target([&](const std::string&) { return ++requests <= 10 ? 503 : 201; });
  const auto forward = fixture.start({target.flag()});
  REQUIRE(eventually(
      [&] { return set_of(target.bodies()).size() == bodies.size() && fixture.is_drained(); }));
  CHECK(channel_number(*fixture.daemon, "t", "nsq_to_http", "requeue_count") == 10);
  CHECK(target.bodies().size() == 60);  // what failed came again, and nothing else
  CHECK(Fixture::end(*forward) == 0);
  CHECK(forward->errors().find("Handler returned error (got status code 503) for msg ") !=
        std::string::npos);
  CHECK(forward->errors().find("backing off for ") != std::string::npos);
}

TEST_CASE("a target that is away gets everything once it is back", "[integration]") {
  Fixture fixture;
  int port = 0;
  {
    Target unused;
    port = unused.port();
  }
  publish(*fixture.daemon, "t", {"a", "b", "c"});
  const auto forward = fixture.start({"--post=http://127.0.0.1:" + std::to_string(port) + "/x"});
  REQUIRE(eventually(
      [&] { return channel_number(*fixture.daemon, "t", "nsq_to_http", "requeue_count") > 3; }));
  CHECK(forward->errors().find("connect: connection refused) for msg ") != std::string::npos);
  Target target([](const std::string&) { return 200; }, port);
  REQUIRE(eventually([&] { return fixture.is_drained(); }));
  CHECK(set_of(target.bodies()) == std::set<std::string>{"a", "b", "c"});
  CHECK(Fixture::end(*forward) == 0);
}

TEST_CASE("a daemon killed in the middle: every message reaches the target", "[integration]") {
  Fixture fixture;
  create_channel(*fixture.daemon, "t", "nsq_to_http");
  const Lines bodies = numbered(5000);
  publish(*fixture.daemon, "t", bodies);
  Target target;
  const std::string address = fixture.daemon->tcp_address();
  const auto forward = fixture.start({target.flag()});
  REQUIRE(eventually([&] { return target.bodies().size() > 100; }));
  fixture.daemon->kill();
  fixture.daemon.emplace(fixture.data.path(), Lines{"--tcp-address=" + address});
  REQUIRE(eventually([&] { return fixture.is_drained(); }, 60s));
  CHECK(set_of(target.bodies()) == std::set<std::string>(bodies.begin(), bodies.end()));
  CHECK(Fixture::end(*forward) == 0);
}

TEST_CASE("requests share connections, as many at the same time as asked for", "[integration]") {
  Fixture fixture;
  publish(*fixture.daemon, "t", numbered(1000));
  Target target;
  const auto forward = fixture.start({target.flag(), "--n=10", "--status-every=200"});
  REQUIRE(eventually([&] { return fixture.is_drained(); }));
  CHECK(target.bodies().size() == 1000);
  CHECK(target.connection_count <= 10);
  CHECK(Fixture::end(*forward) == 0);
  const std::string log = forward->errors();
  int reports = 0;
  for (std::size_t at = 0;
       (at = log.find("[aggregate]: finished 200 - 99th: ", at)) != std::string::npos; ++at) {
    ++reports;
  }
  CHECK(reports == 4);  // the first of the next window brings one
}

TEST_CASE("stopping waits for the answers that are outstanding", "[integration]") {
  Fixture fixture;
  publish(*fixture.daemon, "t", {"a", "b"});
  Target target([](const std::string&) { return 0; });
  const auto forward = fixture.start({target.flag()});
  REQUIRE(eventually([&] { return target.bodies().size() == 2; }));
  forward->signal(SIGTERM);
  REQUIRE(eventually([&] { return forward->errors().find("stopping...") != std::string::npos; }));
  CHECK_FALSE(forward->ended());
  target.release();
  CHECK(forward->wait() == 0);
  CHECK(fixture.is_drained());
  CHECK(target.bodies().size() == 2);
}

TEST_CASE("messages that wait for a slow target are touched", "[integration]") {
  Fixture fixture;
  fixture.daemon.emplace(fixture.data.path(), Lines{"--msg-timeout=3s"});
  publish(*fixture.daemon, "t", {"a", "b"});
  Target target([](const std::string&) { return 0; });
  const auto forward = fixture.start({target.flag(), "--n=1"});
  REQUIRE(eventually([&] { return target.bodies().size() == 1; }));
  const auto end = std::chrono::steady_clock::now() + 7s;
  CHECK(eventually([&] { return std::chrono::steady_clock::now() > end; }));
  CHECK(channel_number(*fixture.daemon, "t", "nsq_to_http", "timeout_count") == 0);
  CHECK(channel_number(*fixture.daemon, "t", "nsq_to_http", "in_flight_count") == 2);
  REQUIRE(eventually([&] {
    target.release();
    return fixture.is_drained();
  }));
  CHECK(Fixture::end(*forward) == 0);
}

TEST_CASE("a target of https is verified", "[integration]") {
  const Certificates made;
  Fixture fixture;
  publish(*fixture.daemon, "t", {"secret"});
  Target target([](const std::string&) { return 200; }, 0, &made);
  {
    const auto doubtful =
        fixture.start({target.flag(), "--http-client-tls-root-ca-file=" + made.other_ca()});
    REQUIRE(eventually(
        [&] { return doubtful->errors().find("tls: certificate: ") != std::string::npos; }));
    CHECK(Fixture::end(*doubtful) == 0);
    CHECK(target.bodies().empty());
  }
  const auto forward =
      fixture.start({target.flag(), "--http-client-tls-root-ca-file=" + made.ca()});
  REQUIRE(eventually([&] { return fixture.is_drained(); }));
  CHECK(target.bodies() == std::multiset<std::string>{"secret"});
  CHECK(Fixture::end(*forward) == 0);
}

TEST_CASE("multicast sends every message to all targets", "[integration]") {
  Fixture fixture;
  publish(*fixture.daemon, "t", {"a", "b", "c"});
  Target first;
  Target second;
  const auto forward = fixture.start({first.flag(), second.flag(), "--mode=multicast"});
  REQUIRE(eventually([&] { return fixture.is_drained(); }));
  CHECK(first.bodies() == std::multiset<std::string>{"a", "b", "c"});
  CHECK(second.bodies() == first.bodies());
  CHECK(Fixture::end(*forward) == 0);
}

TEST_CASE("a forwarder that makes no sense says so", "[integration]") {
  const auto errors = [](const Lines& flags) {
    Lines arguments{"to-http", "--topic=t", "--nsqd-tcp-address=127.0.0.1:1"};
    arguments.insert(arguments.end(), flags.begin(), flags.end());
    const Finished run = run_binary(arguments);
    CHECK(run.status == 1);
    return run.errors;
  };
  const std::string post = "--post=http://127.0.0.1:1/";
  CHECK(errors({post}).find("dial tcp 127.0.0.1:1: connect: connection refused") !=
        std::string::npos);
  CHECK(errors({post, "--mode=all"}).find("--mode should be ") != std::string::npos);
  CHECK(errors({"--post=127.0.0.1:1"}).find("invalid POST address") != std::string::npos);
  CHECK(errors({post, "--n=0"}).find("no handlers") != std::string::npos);
  CHECK(errors({post, "--header=x=y"}).find("--header value format should be 'key=value'") !=
        std::string::npos);
}
