#include "daemon/daemon.h"

#include <fmt/format.h>
#include <unistd.h>

#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <filesystem>
#include <future>
#include <thread>
#include <vector>

#include "daemon/data_path_lock.h"
#include "http/client.h"
#include "support/catch.h"
#include "support/certificates.h"
#include "support/http_client.h"
#include "support/quiet_log.h"
#include "support/tcp.h"
#include "unit/daemon/layered_client.h"

using nsq::daemon::Daemon;
using nsq::daemon::DataPathLock;
using nsq::daemon::Options;
using nsq::test::HttpClient;

namespace {

// A directory of the real file system, gone with the test.
class DataPath {
 public:
  DataPath() {
    static int number = 0;
    path_ = std::filesystem::temp_directory_path() /
            fmt::format("nsq-daemon-test-{}-{}", ::getpid(), ++number);
    std::filesystem::create_directory(path_);
  }
  ~DataPath() { std::filesystem::remove_all(path_); }
  std::string text() const { return path_.string(); }
  // Options of a daemon here, on free ports.
  Options options() const {
    Options options;
    options.data_path = text();
    options.tcp_address = options.http_address = "127.0.0.1:0";
    options.io_threads = 2;
    return options;
  }

 private:
  std::filesystem::path path_;
};

HttpClient connect(const Daemon& daemon) {
  return HttpClient("127.0.0.1", static_cast<std::uint16_t>(daemon.http_port()));
}

}  // namespace

TEST_CASE("a daemon keeps what it was given from one run to the next", "[daemon]") {
  const nsq::test::QuietLog quiet;
  const DataPath path;
  {
    Daemon daemon(path.options());
    REQUIRE(daemon.start());
    CHECK(daemon.tcp_port() > 0);
    auto client = connect(daemon);
    for (int i = 0; i < 10; ++i) CHECK(client.post("/pub?topic=t", "message").body == "OK");
    CHECK(client.post("/channel/create?topic=t&channel=c", "").status == 200);
    daemon.stop();
  }
  Daemon daemon(path.options());
  REQUIRE(daemon.start());
  const auto stats = connect(daemon).get("/stats?format=json&topic=t");
  CHECK_THAT(stats.body, Catch::Contains(R"("channel_name":"c","depth":10,)"));
}

TEST_CASE("a daemon stops while clients are at it", "[daemon]") {
  const nsq::test::QuietLog quiet;
  const DataPath path;
  Options options = path.options();
  options.durability = nsq::broker::Durability::Fsync;
  Daemon daemon(options);
  REQUIRE(daemon.start());
  std::vector<std::thread> publishers;
  for (int i = 0; i < 4; ++i) {
    publishers.emplace_back([&daemon] {
      auto client = connect(daemon);
      try {
        while (client.post("/pub?topic=t", "x").status == 200) {
        }
      } catch (const nsq::test::ConnectionLost&) {
        // which is what stopping looks like from here
      }
    });
  }
  auto observer = connect(daemon);
  while (observer.get("/stats?format=json").body.find("\"message_count\":0") != std::string::npos ||
         observer.get("/stats?format=json").body.find("message_count") == std::string::npos) {
  }
  daemon.stop();
  for (auto& publisher : publishers) publisher.join();
}

TEST_CASE("a daemon that cannot start says why and leaves nothing behind", "[daemon]") {
  const nsq::test::QuietLog quiet;
  const DataPath path;
  Options missing = path.options();
  missing.data_path += "/missing";
  CHECK(Daemon(missing).start().error().context() ==
        fmt::format("failed to instantiate nsqd - failed to lock data-path: open {}: "
                    "no such file or directory",
                    missing.data_path));

  Daemon first(path.options());
  REQUIRE(first.start());
  CHECK(Daemon(path.options()).start().error().context() ==
        fmt::format("failed to instantiate nsqd - failed to lock data-path: cannot flock "
                    "directory {} - resource temporarily unavailable (possibly in use by "
                    "another instance of nsqd)",
                    path.text()));

  const DataPath other;
  Options taken = other.options();
  taken.http_address = fmt::format("127.0.0.1:{}", first.http_port());
  CHECK(Daemon(taken).start().error().context() ==
        fmt::format("failed to instantiate nsqd - listen ({0}) failed - listen tcp {0}: bind: "
                    "address already in use",
                    taken.http_address));
  // The data path of the one that failed is free again.
  CHECK(DataPathLock::take(other.text()));
}

TEST_CASE("a daemon without HTTP has no port for it", "[daemon]") {
  const nsq::test::QuietLog quiet;
  const DataPath path;
  Options options = path.options();
  options.http_address = "";
  options.tcp_address = path.text() + "/tcp.sock";
  Daemon daemon(options);
  REQUIRE(daemon.start());
  CHECK(daemon.http_port() == 0);
  CHECK(daemon.tcp_port() == -1);
}

TEST_CASE("a lock of a data path is held until it goes", "[daemon]") {
  const DataPath path;
  {
    auto lock = DataPathLock::take(path.text());
    REQUIRE(lock);
    const DataPathLock moved = std::move(*lock);
    CHECK_FALSE(DataPathLock::take(path.text()));
  }
  CHECK(DataPathLock::take(path.text()));
}

TEST_CASE("a daemon that drains says when the last message is gone", "[daemon]") {
  const nsq::test::QuietLog quiet;
  const DataPath path;
  std::promise<void> drained;
  auto when_drained = drained.get_future();
  Daemon daemon(path.options(),
                {.is_stopping = nullptr, .on_drained = [&] { drained.set_value(); }});
  REQUIRE(daemon.start());
  auto client = connect(daemon);
  CHECK(client.post("/pub?topic=t", "message").body == "OK");
  CHECK(client.post("/channel/create?topic=t&channel=c", "").status == 200);
  daemon.drain();
  daemon.drain();
  CHECK(client.post("/pub?topic=t", "message").status == 503);
  CHECK(when_drained.wait_for(std::chrono::seconds(0)) == std::future_status::timeout);
  CHECK(client.post("/channel/empty?topic=t&channel=c", "").status == 200);
  REQUIRE(when_drained.wait_for(std::chrono::seconds(30)) == std::future_status::ready);
  daemon.stop();
}

TEST_CASE("a daemon told to drain before it is up drains when it is", "[daemon]") {
  const nsq::test::QuietLog quiet;
  const DataPath path;
  std::promise<void> drained;
  Daemon daemon(path.options(),
                {.is_stopping = nullptr, .on_drained = [&] { drained.set_value(); }});
  daemon.drain();
  REQUIRE(daemon.start());
  REQUIRE(drained.get_future().wait_for(std::chrono::seconds(30)) == std::future_status::ready);
}

TEST_CASE("Unix sockets of a daemon get the permissions asked for", "[daemon]") {
  const nsq::test::QuietLog quiet;
  const DataPath path;
  Options options = path.options();
  options.http_address = path.text() + "/http.sock";
  options.tcp_address = path.text() + "/tcp.sock";
  options.unix_socket_mode = "0600";
  Daemon daemon(options);
  REQUIRE(daemon.start());
  using std::filesystem::perms;
  for (const std::string& socket : {options.http_address, options.tcp_address}) {
    CHECK(std::filesystem::status(socket).permissions() ==
          (perms::owner_read | perms::owner_write));
  }
  daemon.stop();
  CHECK_FALSE(std::filesystem::exists(options.http_address));
}

namespace {

// A daemon with a certificate that can be exchanged.
struct RenewalFixture {
  RenewalFixture() : options(path.options()) {
    options.tls_cert = path.text() + "/cert.pem";
    options.tls_key = path.text() + "/key.pem";
    options.https_address = "127.0.0.1:0";
    install(made.server());
  }

  void install(const nsq::test::Certificates::Pair& pair) const {
    const auto over = std::filesystem::copy_options::overwrite_existing;
    std::filesystem::copy_file(pair.cert, options.tls_cert, over);
    std::filesystem::copy_file(pair.key, options.tls_key, over);
  }
  // Whether a client that trusts this authority gets through.
  static bool is_vouched_for_by(const std::string& ca, const Daemon& daemon) {
    const auto trust = nsq::net::TlsContext::for_client({.root_ca_file = ca}).value();
    asio::io_context loop;
    bool got_through = false;
    asio::co_spawn(loop, ask(loop, daemon.https_port(), trust, got_through), asio::detached);
    loop.run();
    return got_through;
  }

  nsq::test::Certificates made;
  DataPath path;
  Options options;

 private:
  static asio::awaitable<void> ask(asio::io_context& loop, int port,
                                   std::shared_ptr<const nsq::net::TlsContext> trust,
                                   bool& got_through) {
    nsq::http::ClientRequest request;
    request.url = fmt::format("https://127.0.0.1:{}/ping", port);
    nsq::http::ClientOptions asking;
    asking.tls = std::move(trust);
    const auto answer = co_await nsq::http::fetch(loop, std::move(request), std::move(asking));
    got_through = answer && answer->body == "OK";
  }
};

}  // namespace

TEST_CASE("certificates are renewed while connections go on", "[daemon]") {
  const nsq::test::QuietLog quiet;
  RenewalFixture fixture;
  Daemon daemon(fixture.options);
  REQUIRE(daemon.start());
  nsq::daemon::test::LayeredClient client(static_cast<std::uint16_t>(daemon.tcp_port()));
  client.negotiate(R"({"feature_negotiation":true,"tls_v1":true})",
                   nsq::net::TlsContext::for_client({.root_ca_file = fixture.made.ca()}).value());
  CHECK(RenewalFixture::is_vouched_for_by(fixture.made.ca(), daemon));

  fixture.install(fixture.made.stranger());
  CHECK(RenewalFixture::is_vouched_for_by(fixture.made.ca(), daemon));
  daemon.reload_certificates();
  CHECK_FALSE(RenewalFixture::is_vouched_for_by(fixture.made.ca(), daemon));
  CHECK(RenewalFixture::is_vouched_for_by(fixture.made.other_ca(), daemon));

  std::filesystem::remove(fixture.options.tls_key);
  daemon.reload_certificates();
  CHECK(RenewalFixture::is_vouched_for_by(fixture.made.other_ca(), daemon));
  client.send(nsq::daemon::test::pub("t", "still here"));
  CHECK(client.next() == "OK");
  daemon.stop();
  daemon.reload_certificates();  // by a signal that comes late
}
