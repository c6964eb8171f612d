#include "daemon/statsd.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "api_fixture.h"

using namespace nsq::daemon::test;
using namespace std::chrono_literals;

namespace {

// A statsd that hears one datagram after the other.
class Listener {
 public:
  Listener() : socket_(::socket(AF_INET, SOCK_DGRAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    REQUIRE(::bind(socket_, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
    socklen_t size = sizeof address;
    REQUIRE(::getsockname(socket_, reinterpret_cast<sockaddr*>(&address), &size) == 0);
    port_ = ntohs(address.sin_port);
    const timeval patience{.tv_sec = 20, .tv_usec = 0};
    ::setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  }
  ~Listener() { ::close(socket_); }
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;

  std::string address() const { return fmt::format("127.0.0.1:{}", port_); }
  // Empty if nothing comes in twenty seconds.
  std::string hear() {
    char bytes[65536];
    const auto size = ::recv(socket_, bytes, sizeof bytes, 0);
    return {bytes, static_cast<std::size_t>(std::max<ssize_t>(0, size))};
  }

 private:
  const int socket_;
  int port_ = 0;
};

}  // namespace

TEST_CASE("statsd is told of everything, interval after interval", "[statsd]") {
  Listener listener;
  nsq::daemon::Options options;
  options.statsd_address = listener.address();
  options.statsd_prefix = "p.";
  options.statsd_interval = 10ms;
  options.statsd_mem_stats = false;
  options.statsd_udp_packet_size = 100;
  ApiFixture api(options);
  REQUIRE(api.post("/channel/create?topic=t&channel=c").status == 404);
  REQUIRE(api.post("/pub?topic=t", "x").status == 200);
  REQUIRE(api.post("/channel/create?topic=t&channel=c").status == 200);

  nsq::net::EventLoops loops(1);
  nsq::daemon::Statsd statsd(loops.loop(0), api.broker, api.options);
  statsd.start();
  loops.start();
  int first_lines = 0;
  for (int datagrams = 0; first_lines < 3 && datagrams < 1000; ++datagrams) {
    const std::string heard = listener.hear();
    REQUIRE_FALSE(heard.empty());
    CHECK(heard.size() <= 100);
    if (!heard.starts_with("p.topic.t.message_count:")) continue;
    ++first_lines;
    CHECK_THAT(heard, Catch::StartsWith(first_lines == 1 ? "p.topic.t.message_count:1|c\n"
                                                         : "p.topic.t.message_count:0|c\n"));
  }
  CHECK(first_lines == 3);
  loops.stop();
  loops.join();
}
