#include "standalone/standalone.h"

#include <fmt/format.h>

#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "admin/admin.h"
#include "base/assert.h"
#include "base/log_prefix.h"
#include "base/mutex.h"
#include "lookupd/lookupd.h"
#include "net/address.h"
#include "standalone/addresses.h"

namespace nsq::standalone {
namespace {

// Something a server listens on, and the flag that says where.
struct Listening {
  const char* server;
  const char* flag;
  std::string address;
};

std::vector<Listening> all_listening(const Options& options) {
  return {{"lookupd", "--lookupd-tcp-address", options.lookupd.tcp_address},
          {"lookupd", "--lookupd-http-address", options.lookupd.http_address},
          {"admin", "--admin-http-address", options.admin.http_address},
          {"daemon", "--daemon-tcp-address", options.daemon.tcp_address},
          {"daemon", "--daemon-http-address", options.daemon.http_address},
          {"daemon", "--https-address", options.daemon.https_address}};
}

// The other of ours that was given the same port; "another process" if there is none.
std::string holder(std::span<const Listening> all, const Listening& wanted) {
  const auto port = net::resolve_port(net::Address::parse(wanted.address));
  for (const Listening& other : all) {
    const auto address = net::Address::parse(other.address);
    if (other.flag == wanted.flag || !address.is_tcp() || !port || *port == 0) continue;
    const auto other_port = net::resolve_port(address);
    if (other_port && *other_port == *port) return other.flag;
  }
  return "another process";
}

// Of a server that does not start because a port is taken: which, and what to do about it. The
// servers' own words for it say neither.
Error explained(const char* server, const Error& error, const Options& options) {
  const auto all = all_listening(options);
  for (const Listening& listening : all) {
    const bool is_it = std::string_view(server) == listening.server &&
                       error.context().find(fmt::format("listen ({}) failed", listening.address)) !=
                           std::string::npos;
    if (!is_it || error.code() != std::errc::address_in_use) continue;
    return Error(error.code(),
                 fmt::format("the {} cannot listen on {}: taken by {}; choose another address with "
                             "{}",
                             server, listening.address, holder(all, listening), listening.flag));
  }
  return error;
}

}  // namespace

// The servers in the order of their start.
class Standalone::Parts {
 public:
  Parts(Options given, daemon::Daemon::Hooks hooks)
      : options_(std::move(given)), hooks_(std::move(hooks)) {}

  Result<void> start();
  void stop();
  void drain();
  void reload_certificates();

  bool is_serving() const { return is_serving_; }
  const lookupd::Lookupd& lookupd() const { return *lookupd_; }
  const admin::Admin& admin() const { return *admin_; }
  const daemon::Daemon& daemon() const { return *daemon_; }

 private:
  Result<void> start_lookupd();
  Result<void> start_admin();
  Result<void> start_daemon();

  Options options_;
  const daemon::Daemon::Hooks hooks_;
  bool is_serving_ = false;
  std::unique_ptr<lookupd::Lookupd> lookupd_;
  std::unique_ptr<admin::Admin> admin_;
  std::unique_ptr<daemon::Daemon> daemon_;  // made under the lock, in `start`

  // Signals may come while the others start.
  Mutex mutex_;
  daemon::Daemon* signalled_ NSQ_GUARDED_BY(mutex_) = nullptr;  // the daemon, once it is made
  bool drain_wanted_ NSQ_GUARDED_BY(mutex_) = false;
};

Result<void> Standalone::Parts::start() {
  if (auto started = start_lookupd(); !started) {
    return explained("lookupd", started.error(), options_);
  }
  if (auto started = start_admin(); !started) {
    return explained("admin", started.error(), options_);
  }
  if (auto started = start_daemon(); !started) {
    return explained("daemon", started.error(), options_);
  }
  is_serving_ = true;
  return {};
}

Result<void> Standalone::Parts::start_lookupd() {
  const log::ThreadPrefix prefix(options_.lookupd.log_prefix);
  lookupd::Options& options = options_.lookupd;
  if (options.broadcast_address.empty()) {
    options.broadcast_address = broadcast_host(options.http_address);
  }
  lookupd_ = std::make_unique<lookupd::Lookupd>(options);
  return lookupd_->start();
}

Result<void> Standalone::Parts::start_admin() {
  const log::ThreadPrefix prefix(options_.admin.log_prefix);
  admin::Options& options = options_.admin;
  options.nsqlookupd_http_addresses.insert(
      options.nsqlookupd_http_addresses.begin(),
      local_address(options_.lookupd.http_address, lookupd_->http_port()));
  admin_ = std::make_unique<admin::Admin>(options);
  return admin_->start();
}

Result<void> Standalone::Parts::start_daemon() {
  daemon::Options& options = options_.daemon;
  if (options.broadcast_address.empty()) {
    options.broadcast_address = broadcast_host(options.tcp_address);
  }
  options.nsqlookupd_tcp_addresses.insert(
      options.nsqlookupd_tcp_addresses.begin(),
      local_address(options_.lookupd.tcp_address, lookupd_->tcp_port()));
  daemon_ = std::make_unique<daemon::Daemon>(options, hooks_);
  {
    Lock lock(mutex_);
    signalled_ = daemon_.get();
    if (drain_wanted_) signalled_->drain();
  }
  return daemon_->start();
}

void Standalone::Parts::stop() {
  is_serving_ = false;
  {
    Lock lock(mutex_);
    signalled_ = nullptr;
  }
  if (admin_) {
    const log::ThreadPrefix prefix(options_.admin.log_prefix);
    admin_.reset();
  }
  daemon_.reset();
  if (lookupd_) {
    const log::ThreadPrefix prefix(options_.lookupd.log_prefix);
    lookupd_.reset();
  }
}

void Standalone::Parts::drain() {
  Lock lock(mutex_);
  drain_wanted_ = true;
  if (signalled_ != nullptr) signalled_->drain();
}

void Standalone::Parts::reload_certificates() {
  Lock lock(mutex_);
  if (signalled_ != nullptr) signalled_->reload_certificates();
}

Standalone::Standalone(Options options, daemon::Daemon::Hooks hooks)
    : parts_(std::make_unique<Parts>(std::move(options), std::move(hooks))) {}

Standalone::~Standalone() {
  parts_->stop();
}

Result<void> Standalone::start() {
  auto started = parts_->start();
  if (!started) parts_->stop();
  return started;
}

void Standalone::stop() {
  NSQ_ASSERT(parts_->is_serving());
  parts_->stop();
}

void Standalone::drain() {
  parts_->drain();
}
void Standalone::reload_certificates() {
  parts_->reload_certificates();
}

int Standalone::lookupd_tcp_port() const {
  return parts_->lookupd().tcp_port();
}
int Standalone::lookupd_http_port() const {
  return parts_->lookupd().http_port();
}
int Standalone::daemon_tcp_port() const {
  return parts_->daemon().tcp_port();
}
int Standalone::daemon_http_port() const {
  return parts_->daemon().http_port();
}
int Standalone::admin_http_port() const {
  return parts_->admin().http_port();
}

}  // namespace nsq::standalone
