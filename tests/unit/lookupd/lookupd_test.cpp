#include "lookupd/lookupd.h"

#include <fmt/format.h>
#include <sys/socket.h>
#include <unistd.h>

#include <functional>
#include <thread>

#include "protocol/discovery.h"
#include "support/catch.h"
#include "support/http_client.h"
#include "support/quiet_log.h"
#include "support/tcp.h"

using namespace std::chrono_literals;
using nsq::lookupd::Limits;
using nsq::lookupd::Lookupd;
using nsq::lookupd::Options;
using nsq::test::HttpClient;

namespace {

Options on_free_ports() {
  Options options;
  options.tcp_address = options.http_address = "127.0.0.1:0";
  options.broadcast_address = "lookup.example";
  return options;
}

// A running lookupd.
class LookupdFixture {
 public:
  explicit LookupdFixture(Limits limits = {}) : lookupd(on_free_ports(), limits) {
    REQUIRE(lookupd.start());
  }
  nsq::test::HttpAnswer get(std::string_view target) { return http().get(target); }
  nsq::test::HttpAnswer post(std::string_view target) { return http().post(target, ""); }
  HttpClient http() {
    return HttpClient("127.0.0.1", static_cast<std::uint16_t>(lookupd.http_port()));
  }
  // Asks until the answer is as expected; what the loop has still to do takes a moment.
  void eventually(std::string_view target, const std::string& part) {
    const auto deadline = std::chrono::steady_clock::now() + 10s;
    std::string body;
    while (std::chrono::steady_clock::now() < deadline) {
      body = get(target).body;
      if (body.find(part) != std::string::npos) return;
      std::this_thread::yield();
    }
    FAIL(target << " answers " << body << ", not " << part);
  }

  const nsq::test::QuietLog quiet;
  Lookupd lookupd;
};

// A daemon's connection, by hand.
class Peer {
 public:
  explicit Peer(LookupdFixture& fixture)
      : socket_(nsq::test::connect_tcp("127.0.0.1",
                                       static_cast<std::uint16_t>(fixture.lookupd.tcp_port()))) {
    nsq::test::set_receive_timeout(socket_, 10s);
  }
  ~Peer() { ::close(socket_); }
  Peer(const Peer&) = delete;
  Peer& operator=(const Peer&) = delete;

  void send(std::string_view bytes) { nsq::test::send_all(socket_, bytes); }
  void introduce(std::string_view address) {
    std::string text = "  V1IDENTIFY\n";
    nsq::protocol::append_answer(
        text,
        fmt::format(R"({{"broadcast_address":"{}","tcp_port":1,"http_port":2,"version":"1.4.0"}})",
                    address));
    send(text);
  }
  void end_sending() { ::shutdown(socket_, SHUT_WR); }
  // "closed" at the end of the stream.
  std::string answer() {
    char size[4];
    if (!read_exactly(size, 4)) return "closed";
    std::string text(
        static_cast<unsigned char>(size[2]) * 256U + static_cast<unsigned char>(size[3]), '\0');
    return read_exactly(text.data(), text.size()) ? text : "closed";
  }

 private:
  bool read_exactly(char* to, std::size_t count) {
    while (count > 0) {
      const ssize_t got = ::recv(socket_, to, count, 0);
      if (got <= 0) return false;
      to += got;
      count -= static_cast<std::size_t>(got);
    }
    return true;
  }

  const int socket_;
};

}  // namespace

TEST_CASE("what daemons register is found over HTTP", "[lookupd]") {
  LookupdFixture fixture;
  {
    Peer daemon(fixture);
    daemon.introduce("node.example");
    CHECK_THAT(daemon.answer(), Catch::Contains(fmt::format(R"("http_port":{},"tcp_port":{})",
                                                            fixture.lookupd.http_port(),
                                                            fixture.lookupd.tcp_port())) &&
                                    Catch::Contains(R"("broadcast_address":"lookup.example")"));
    daemon.send("REGISTER t c\nREGISTER u\n");
    CHECK(daemon.answer() == "OK");
    CHECK(daemon.answer() == "OK");
    CHECK_THAT(fixture.get("/lookup?topic=t").body,
               Catch::Contains(R"("broadcast_address":"node.example")"));
    CHECK(fixture.get("/topics").body == R"({"topics":["t","u"]})");
    CHECK(fixture.get("/channels?topic=t").body == R"({"channels":["c"]})");
    CHECK(fixture.post("/topic/tombstone?topic=t&node=node.example:2").status == 200);
    CHECK(fixture.get("/lookup?topic=t").body == R"({"channels":["c"],"producers":[]})");
    CHECK_THAT(fixture.get("/nodes").body, Catch::Contains(R"("tombstones":[true,false])"));
  }
  fixture.eventually("/nodes", R"({"producers":[]})");
}

TEST_CASE("requests that cannot be served say why", "[lookupd]") {
  LookupdFixture fixture({.names = 2});
  struct Row {
    const char* method;
    const char* target;
    int status;
    const char* code;
  };
  const Row rows[] = {
      {"GET", "/lookup", 400, "MISSING_ARG_TOPIC"},
      {"GET", "/lookup?topic=nope", 404, "TOPIC_NOT_FOUND"},
      {"GET", "/lookup?topic=*", 404, "TOPIC_NOT_FOUND"},
      {"GET", "/lookup?topic=%zz", 400, "INVALID_REQUEST"},
      {"GET", "/channels", 400, "MISSING_ARG_TOPIC"},
      {"POST", "/topic/create", 400, "MISSING_ARG_TOPIC"},
      {"POST", "/topic/create?topic=", 400, "INVALID_ARG_TOPIC"},
      {"POST", "/topic/tombstone?topic=t", 400, "MISSING_ARG_NODE"},
      {"POST", "/channel/create?topic=b!&channel=c", 400, "INVALID_ARG_TOPIC"},
      {"POST", "/channel/create?topic=t", 400, "MISSING_ARG_CHANNEL"},
      {"POST", "/channel/create?topic=t&channel=", 400, "INVALID_ARG_CHANNEL"},
      {"POST", "/channel/delete?topic=t&channel=c", 404, "CHANNEL_NOT_FOUND"},
      {"GET", "/topic/create?topic=t", 405, "METHOD_NOT_ALLOWED"},
      {"GET", "/create_topic", 404, "NOT_FOUND"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.target);
    const auto answer = row.method[0] == 'G' ? fixture.get(row.target) : fixture.post(row.target);
    CHECK(answer.status == row.status);
    CHECK(answer.body == fmt::format(R"({{"message":"{}"}})", row.code));
  }
  CHECK(fixture.post("/channel/create?topic=t&channel=c").status == 200);
  CHECK(fixture.post("/topic/create?topic=u").body == R"({"message":"TOO_MANY_NAMES"})");
  CHECK(fixture.post("/channel/create?topic=t&channel=d").status == 503);
  CHECK(fixture.post("/channel/delete?topic=t&channel=c").body.empty());
  CHECK(fixture.post("/topic/delete?topic=*").status == 200);
  CHECK(fixture.get("/topics").body == R"({"topics":["t"]})");
  CHECK(fixture.post("/topic/delete?topic=t").status == 200);
  CHECK(fixture.get("/topics").body == R"({"topics":[]})");
  CHECK(fixture.get("/ping").body == "OK");
  CHECK_THAT(fixture.get("/info").body, Catch::StartsWith(R"({"version":"1)"));
}

TEST_CASE("a lookupd counts what it knows, for those who watch it", "[lookupd]") {
  LookupdFixture fixture;
  fixture.post("/topic/create?topic=bare");
  Peer daemon(fixture);
  daemon.introduce("node.example");
  daemon.answer();
  daemon.send("REGISTER t c\nREGISTER t d\n");
  daemon.answer();
  daemon.answer();
  const std::string metrics = fixture.get("/metrics").body;
  for (const char* line :
       {"nsqlookupd_producers 1\n", "nsqlookupd_active_producers 1\n", "nsqlookupd_topics 2\n",
        "nsqlookupd_registrations{category=\"topic\"} 1\n",
        "nsqlookupd_registrations{category=\"channel\"} 2\n", "process_start_time_seconds"}) {
    CHECK_THAT(metrics, Catch::Contains(line));
  }
}

TEST_CASE("an answer longer than a slice arrives whole", "[lookupd]") {
  LookupdFixture fixture;
  Peer daemon(fixture);
  daemon.introduce("node.example");
  daemon.answer();
  std::string commands;
  for (int i = 0; i < 5'000; ++i) commands += fmt::format("REGISTER topic-{:04}\n", i);
  std::thread sender([&] { daemon.send(commands); });
  for (int i = 0; i < 5'000; ++i) REQUIRE(daemon.answer() == "OK");
  sender.join();
  const std::string topics = fixture.get("/topics").body;
  CHECK(topics.size() == 5'000 * std::string(R"("topic-0000",)").size() - 1 + 13);
  CHECK_THAT(fixture.get("/nodes").body, Catch::Contains(R"("topic-4999"]}]})"));
  CHECK(fixture.get("/debug").body.ends_with("}]}"));
}

TEST_CASE("a connection that ends within its introduction is told what lacks", "[lookupd]") {
  LookupdFixture fixture;
  Peer daemon(fixture);
  daemon.send("  V1IDENTIFY\n");
  daemon.end_sending();
  CHECK(daemon.answer() == "E_BAD_BODY IDENTIFY failed to read body size");
  CHECK(daemon.answer() == "closed");
}

TEST_CASE("an error arrives although more was sent than was read", "[lookupd]") {
  LookupdFixture fixture;
  Peer client(fixture);
  client.send("GET / HTTP/1.1\r\n" + std::string(100'000, 'x'));
  CHECK(client.answer() == "E_BAD_PROTOCOL");
}

TEST_CASE("a connection that does not say who it is ends", "[lookupd]") {
  LookupdFixture fixture({.greeting_timeout = 50ms});
  Peer silent(fixture);
  CHECK(silent.answer() == "closed");
  Peer nameless(fixture);
  nameless.send("  V1PING\n");
  CHECK(nameless.answer() == "OK");
  CHECK(nameless.answer() == "closed");
}

TEST_CASE("connections above the limit are closed as they come", "[lookupd]") {
  LookupdFixture fixture({.connections = 1});
  Peer first(fixture);
  first.introduce("a");
  first.answer();
  Peer second(fixture);
  CHECK(second.answer() == "closed");
  first.send("PING\n");
  CHECK(first.answer() == "OK");
}

TEST_CASE("a lookupd stops while daemons are connected", "[lookupd]") {
  LookupdFixture fixture;
  Peer daemon(fixture);
  daemon.introduce("a");
  daemon.answer();
  daemon.send("REGISTER t\nREGIS");
  daemon.answer();
  fixture.lookupd.stop();
  CHECK(daemon.answer() == "closed");
}

TEST_CASE("a lookupd that cannot start says why", "[lookupd]") {
  LookupdFixture running;
  const auto failure = [](const std::function<void(Options&)>& change) {
    Options options = on_free_ports();
    change(options);
    auto started = Lookupd(options).start();
    REQUIRE_FALSE(started);
    return started.error().context();
  };
  const std::string taken = fmt::format("127.0.0.1:{}", running.lookupd.http_port());
  CHECK(failure([&](Options& options) { options.http_address = taken; }) ==
        fmt::format("failed to instantiate nsqlookupd - listen ({0}) failed - listen tcp {0}: "
                    "bind: address already in use",
                    taken));
  CHECK(failure([](Options& options) { options.tcp_address = "127.0.0.1"; }) ==
        "failed to instantiate nsqlookupd - listen (127.0.0.1) failed - listen tcp: address "
        "127.0.0.1: missing port in address");
  CHECK(failure([](Options& options) { options.inactive_producer_timeout = 0s; }) ==
        "failed to instantiate nsqlookupd - --inactive-producer-timeout must be positive");
  CHECK(failure([](Options& options) { options.tombstone_lifetime = -1s; }) ==
        "failed to instantiate nsqlookupd - --tombstone-lifetime must not be negative");
}
