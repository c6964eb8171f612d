#include "admin/admin.h"

#include <fmt/format.h>

#include <asio/post.hpp>
#include <future>
#include <optional>
#include <utility>

#include "admin/api.h"
#include "admin/assets.h"
#include "admin/start_options.h"
#include "base/assert.h"
#include "base/log.h"
#include "base/version.h"
#include "http/router.h"
#include "http/server.h"
#include "net/event_loops.h"
#include "net/listener.h"

namespace nsq::admin {
namespace {

// An empty address is a port of the system's choice; there are no Unix sockets here.
Result<std::unique_ptr<net::Listener>> open_listener(net::EventLoops& loops,
                                                     const std::string& text) {
  const auto address = net::Address::parse(text.empty() ? ":0" : text);
  if (!address.is_tcp()) {
    return Error(std::make_error_code(std::errc::invalid_argument),
                 fmt::format("listen ({0}) failed - listen tcp: address {0}: missing port", text));
  }
  return net::Listener::open(loops, address);
}

}  // namespace

class Admin::Parts {
 public:
  explicit Parts(Options given) : given_(std::move(given)) {}

  Result<void> start();
  void stop();

  bool is_serving = false;
  std::unique_ptr<net::Listener> listener;

 private:
  Result<void> instantiate();
  void serve();

  Options given_;
  std::optional<CheckedOptions> checked_;
  std::optional<Api> api_;
  http::Router router_;
  std::unique_ptr<http::Server> server_;
  std::unique_ptr<net::EventLoops> loops_;  // goes before all that its handlers use
};

Result<void> Admin::Parts::start() {
  if (auto instantiated = instantiate(); !instantiated) {
    return Error(instantiated.error().code(),
                 "failed to instantiate nsqadmin - " + instantiated.error().context());
  }
  serve();
  return {};
}

Result<void> Admin::Parts::instantiate() {
  auto checked = check_options(given_);
  if (!checked) return checked.error();
  checked_.emplace(std::move(*checked));
  log::info("nsqadmin v{} (built w/{})", version(), toolchain());
  // One loop for everything: an admin server waits for others, and shares nothing.
  loops_ = std::make_unique<net::EventLoops>(1);
  auto opened = open_listener(*loops_, checked_->options.http_address);
  if (!opened) return opened.error();
  listener = std::move(*opened);
  return {};
}

void Admin::Parts::serve() {
  api_.emplace(loops_->loop(0), checked_->options,
               Api::Parts{.config_range = checked_->config_range,
                          .client = checked_->client,
                          .assets = built_in_assets()});
  api_->add_routes(router_);
  server_ = std::make_unique<http::Server>(router_);
  listener->start([this](net::Socket socket) { server_->serve(std::move(socket)); });
  log::info("HTTP: listening on {}", listener->local_text());
  api_->start();
  loops_->start();
  is_serving = true;
}

void Admin::Parts::stop() {
  if (std::exchange(is_serving, false)) {
    log::info("HTTP: closing {}", listener->local_text());
    listener->close();
    server_->close();
    // Connections end once they hear of it.
    std::promise<void> reached;
    asio::post(loops_->loop(0), [&reached] { reached.set_value(); });
    reached.get_future().wait();
    loops_->stop();
    loops_->join();
    api_->release();
  }
  listener.reset();
  loops_.reset();
}

Admin::Admin(Options options) : parts_(std::make_unique<Parts>(std::move(options))) {}

Admin::~Admin() {
  parts_->stop();
}

Result<void> Admin::start() {
  auto started = parts_->start();
  if (!started) parts_->stop();
  return started;
}

void Admin::stop() {
  NSQ_ASSERT(parts_->is_serving);
  parts_->stop();
}

int Admin::http_port() const {
  return parts_->listener ? parts_->listener->bound_port() : 0;
}

}  // namespace nsq::admin
