#include "lookupd/lookupd.h"

#include <fmt/format.h>
#include <unistd.h>

#include <asio/post.hpp>
#include <future>
#include <string>
#include <system_error>
#include <utility>

#include "base/assert.h"
#include "base/log.h"
#include "base/version.h"
#include "http/router.h"
#include "http/server.h"
#include "lookupd/http_api.h"
#include "lookupd/peer_service.h"
#include "lookupd/registry.h"
#include "net/address.h"
#include "net/event_loops.h"
#include "net/listener.h"
#include "protocol/discovery.h"

namespace nsq::lookupd {
namespace {

std::string host_name() {
  char name[256] = "";
  return ::gethostname(name, sizeof name - 1) == 0 ? name : "";
}

Error refusal(std::string text) {
  return Error(std::make_error_code(std::errc::invalid_argument), std::move(text));
}

Result<void> check(const Options& options) {
  if (options.inactive_producer_timeout <= Duration::zero()) {
    return refusal("--inactive-producer-timeout must be positive");
  }
  if (options.tombstone_lifetime < Duration::zero()) {
    return refusal("--tombstone-lifetime must not be negative");
  }
  return {};
}

// An empty address is a port of the system's choice; there are no Unix sockets here.
Result<std::unique_ptr<net::Listener>> open_listener(net::EventLoops& loops,
                                                     const std::string& text) {
  const auto address = net::Address::parse(text.empty() ? ":0" : text);
  if (!address.is_tcp()) {
    return refusal(fmt::format(
        "listen ({0}) failed - listen tcp: address {0}: missing port in address", text));
  }
  return net::Listener::open(loops, address);
}

}  // namespace

class Lookupd::Parts {
 public:
  Parts(Options given, Limits chosen) : options_(std::move(given)), limits_(chosen) {}

  Result<void> start();
  void stop();

  int tcp_port() const { return tcp_listener_ ? tcp_listener_->bound_port() : 0; }
  int http_port() const { return http_listener_ ? http_listener_->bound_port() : 0; }
  bool is_serving() const { return is_serving_; }

 private:
  Result<void> listen();
  void serve();
  void on_loop(std::function<void()> work);

  Options options_;
  const Limits limits_;
  Registry registry_{
      {.registrations_per_peer = limits_.registrations_per_peer, .names = limits_.names}};
  http::Router router_;
  std::unique_ptr<http::Server> http_server_;
  std::unique_ptr<PeerService> peers_;
  std::unique_ptr<net::EventLoops> loops_;  // goes before all that its handlers use
  std::unique_ptr<net::Listener> tcp_listener_;
  std::unique_ptr<net::Listener> http_listener_;
  bool is_serving_ = false;
};

Result<void> Lookupd::Parts::start() {
  Result<void> done = check(options_);
  if (done) {
    log::info("nsqlookupd v{} (built w/{})", version(), toolchain());
    done = listen();
  }
  if (!done) {
    return Error(done.error().code(),
                 "failed to instantiate nsqlookupd - " + done.error().context());
  }
  serve();
  return {};
}

Result<void> Lookupd::Parts::listen() {
  // One loop for everything: what lookupd does is little, and so nothing is shared.
  loops_ = std::make_unique<net::EventLoops>(1);
  auto tcp = open_listener(*loops_, options_.tcp_address);
  if (!tcp) return tcp.error();
  tcp_listener_ = std::move(*tcp);
  auto http = open_listener(*loops_, options_.http_address);
  if (!http) return http.error();
  http_listener_ = std::move(*http);
  return {};
}

void Lookupd::Parts::serve() {
  if (options_.broadcast_address.empty()) options_.broadcast_address = host_name();
  const protocol::PeerIdentity identity{.broadcast_address = options_.broadcast_address,
                                        .hostname = host_name(),
                                        .tcp_port = tcp_port(),
                                        .http_port = http_port(),
                                        .version = std::string(version())};
  peers_ = std::make_unique<PeerService>(registry_, options_, limits_,
                                         protocol::encode_lookupd_identity(identity));
  add_api(router_, registry_, options_);
  http_server_ = std::make_unique<http::Server>(router_);
  tcp_listener_->start([this](net::Socket socket) { peers_->accept(std::move(socket)); });
  log::info("TCP: listening on {}", tcp_listener_->local_text());
  http_listener_->start([this](net::Socket socket) { http_server_->serve(std::move(socket)); });
  log::info("HTTP: listening on {}", http_listener_->local_text());
  loops_->start();
  is_serving_ = true;
}

// Waits until the loop has done the work, and everything it had to do before.
void Lookupd::Parts::on_loop(std::function<void()> work) {
  std::promise<void> done;
  asio::post(loops_->loop(0), [&] {
    work();
    done.set_value();
  });
  done.get_future().wait();
}

void Lookupd::Parts::stop() {
  if (std::exchange(is_serving_, false)) {
    log::info("TCP: closing {}", tcp_listener_->local_text());
    tcp_listener_->close();
    log::info("HTTP: closing {}", http_listener_->local_text());
    http_listener_->close();
    http_server_->close();
    on_loop([this] { peers_->close_all(); });
    // Connections end once they hear of their sockets' end.
    on_loop([] {});
    loops_->stop();
    loops_->join();
  }
  tcp_listener_.reset();
  http_listener_.reset();
  loops_.reset();
}

Lookupd::Lookupd(Options options, Limits limits)
    : parts_(std::make_unique<Parts>(std::move(options), limits)) {}

Lookupd::~Lookupd() {
  parts_->stop();
}

Result<void> Lookupd::start() {
  auto started = parts_->start();
  if (!started) parts_->stop();
  return started;
}

void Lookupd::stop() {
  NSQ_ASSERT(parts_->is_serving());
  parts_->stop();
}

int Lookupd::tcp_port() const {
  return parts_->tcp_port();
}
int Lookupd::http_port() const {
  return parts_->http_port();
}

}  // namespace nsq::lookupd
