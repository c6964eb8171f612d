#include "daemon/daemon.h"

#include <algorithm>
#include <asio/post.hpp>
#include <future>
#include <optional>
#include <random>
#include <thread>
#include <utility>

#include "base/assert.h"
#include "base/log.h"
#include "base/mutex.h"
#include "broker/broker.h"
#include "broker/import.h"
#include "daemon/broker_timer.h"
#include "daemon/client_service.h"
#include "daemon/data_path_lock.h"
#include "daemon/drain_watch.h"
#include "daemon/http_api.h"
#include "daemon/lookup_peers.h"
#include "daemon/settings.h"
#include "daemon/start_options.h"
#include "daemon/statsd.h"
#include "daemon/storage_threads.h"
#include "daemon/tls_settings.h"
#include "daemon/version.h"
#include "http/router.h"
#include "http/server.h"
#include "http/tls_transport.h"
#include "net/address.h"
#include "net/listener.h"
#include "net/tls_acceptor.h"
#include "storage/file_system.h"

namespace nsq::daemon {
namespace {

std::size_t loop_count(const Options& options) {
  if (options.io_threads > 0) return static_cast<std::size_t>(options.io_threads);
  return std::max(1U, std::thread::hardware_concurrency());
}

std::uint64_t random_seed() {
  std::random_device device;
  return std::uint64_t{device()} << 32 | device();
}

int port_of(const std::unique_ptr<net::Listener>& listener) {
  return listener ? listener->bound_port() : 0;
}

// Waits until every loop has done what was posted to it before.
void let_loops_catch_up(net::EventLoops& loops) {
  for (std::size_t i = 0; i < loops.size(); ++i) {
    std::promise<void> reached;
    asio::post(loops.loop(i), [&reached] { reached.set_value(); });
    reached.get_future().wait();
  }
}

}  // namespace

// What a daemon consists of, in the order in which it comes to life. The loops go before all that
// their handlers use, see `stop`.
class Daemon::Parts {
 public:
  Parts(Options given, Hooks hooks) : options(std::move(given)), hooks_(std::move(hooks)) {}

  Result<void> start();
  void stop();
  void drain();
  void reload_certificates();

  Options options;  // those given, until `start` fills in the rest
  std::optional<DataPathLock> lock;
  std::unique_ptr<net::EventLoops> loops;
  std::unique_ptr<net::Listener> tcp_listener;
  std::unique_ptr<net::Listener> http_listener;   // null where HTTP is off
  std::unique_ptr<net::Listener> https_listener;  // null where HTTPS is, or without a certificate
  bool is_serving = false;

 private:
  Result<void> instantiate();
  Result<void> prepare_tls();
  Result<void> listen();
  Result<void> import();
  Result<std::unique_ptr<net::Listener>> listen_on(const std::string& address);
  Result<void> load();
  void serve();
  void begin_to_drain() NSQ_REQUIRES(drain_mutex_);
  void stop_serving();
  void write_everything();
  std::string metadata_path() const;

  std::unique_ptr<StorageThreads> storage_threads_;
  // A loop of its own: timeouts, delays and journals do not wait for what connections are about.
  std::unique_ptr<net::EventLoops> timers_;
  std::unique_ptr<BrokerTimer> broker_timer_;
  std::unique_ptr<broker::Broker> broker_;
  std::unique_ptr<ClientService> clients_;
  std::optional<Statsd> statsd_;
  // For what takes long: statsd, /metrics.
  std::unique_ptr<net::EventLoops> reports_;
  std::optional<Settings> settings_;
  std::unique_ptr<LookupPeers> lookup_peers_;
  std::optional<ApiContext> api_;
  http::Router router_;
  http::Router https_only_;                          // for plain HTTP while clients must use TLS
  std::unique_ptr<net::TlsAcceptor> tls_;            // null without a certificate
  std::shared_ptr<const net::TlsContext> auth_tls_;  // null without auth servers
  std::unique_ptr<http::Server> http_server_;
  std::unique_ptr<http::Server> https_server_;

  const Hooks hooks_;
  std::unique_ptr<DrainWatch> drain_watch_;
  Mutex reload_mutex_;
  bool can_reload_ NSQ_GUARDED_BY(reload_mutex_) = false;  // it serves, and does not stop yet
  Mutex drain_mutex_;
  bool drain_wanted_ NSQ_GUARDED_BY(drain_mutex_) = false;
  bool can_drain_ NSQ_GUARDED_BY(drain_mutex_) = false;  // it serves, and does not stop yet
};

Result<void> Daemon::Parts::start() {
  if (auto instantiated = instantiate(); !instantiated) {
    return Error(instantiated.error().code(),
                 "failed to instantiate nsqd - " + instantiated.error().context());
  }
  if (auto imported = import(); !imported) {
    return Error(imported.error().code(),
                 "failed to import nsqd's messages - " + imported.error().to_string());
  }
  if (auto loaded = load(); !loaded) {
    return Error(loaded.error().code(), "failed to load metadata - " + loaded.error().to_string());
  }
  serve();
  return {};
}

// Everything that is refused at the start, as scripts know it, is found here.
Result<void> Daemon::Parts::instantiate() {
  auto locked = DataPathLock::take(options.data_path);
  if (!locked) return locked.error();
  lock.emplace(std::move(*locked));
  auto checked = checked_options(std::move(options));
  if (!checked) return checked.error();
  options = std::move(*checked);
  log::info("nsqd v{} (built w/{})", version(), toolchain());
  log::info("ID: {}", options.id);

  loops = std::make_unique<net::EventLoops>(loop_count(options));
  if (auto prepared = prepare_tls(); !prepared) return prepared;
  if (auto listening = listen(); !listening) return listening;
  fill_in_ports(options, port_of(tcp_listener), port_of(http_listener));
  return {};
}

Result<void> Daemon::Parts::prepare_tls() {
  auto server = server_tls_context(options);
  if (!server) return server.error();
  if (*server) tls_ = std::make_unique<net::TlsAcceptor>(std::move(*server), loops->size());
  if (options.auth_http_addresses.empty()) return {};
  auto client = client_tls_context(options);
  if (!client) return client.error();
  auth_tls_ = std::move(*client);
  return {};
}

// Connections made from here on wait in the kernel until `serve`.
Result<void> Daemon::Parts::listen() {
  auto tcp = listen_on(options.tcp_address);
  if (!tcp) return tcp.error();
  tcp_listener = std::move(*tcp);
  if (!options.http_address.empty()) {
    auto http = listen_on(options.http_address);
    if (!http) return http.error();
    http_listener = std::move(*http);
  }
  if (tls_ && !options.https_address.empty()) {
    auto https = listen_on(options.https_address);
    if (!https) return https.error();
    https_listener = std::move(*https);
  }
  return {};
}

Result<std::unique_ptr<net::Listener>> Daemon::Parts::listen_on(const std::string& address) {
  return net::Listener::open(*loops, net::Address::parse(address), unix_socket_mode(options));
}

std::string Daemon::Parts::metadata_path() const {
  return (options.data_path.empty() ? "." : options.data_path) + "/nsqd.dat";
}

// What an nsqd has left in the data path becomes ours.
Result<void> Daemon::Parts::import() {
  broker::ImportOptions import;
  import.data_path = options.data_path.empty() ? "." : options.data_path;
  import.node_id = static_cast<std::uint32_t>(options.id);
  import.max_bytes_per_file = static_cast<std::uint64_t>(options.max_bytes_per_file);
  import.seed = random_seed();
  const auto imported = broker::import_diskqueues(import, storage::real_file_system(),
                                                  Timestamp::now(), hooks_.is_stopping);
  return imported ? Result<void>() : Result<void>(imported.error());
}

Result<void> Daemon::Parts::load() {
  storage_threads_ = std::make_unique<StorageThreads>();
  timers_ = std::make_unique<net::EventLoops>(1, "nsq-timer");
  broker_timer_ = std::make_unique<BrokerTimer>(timers_->loop(0));
  broker_ = std::make_unique<broker::Broker>(
      broker_options(options), options.data_path, std::string(version()),
      storage::real_file_system(), *storage_threads_,
      [timer = broker_timer_.get()](Instant deadline) { timer->wake_by(deadline); }, random_seed());
  if (auto loaded = broker_->load(Moment::now()); !loaded) return loaded;
  log::info("NSQ: persisting topic/channel metadata to {}", metadata_path());
  return {};
}

void Daemon::Parts::serve() {
  clients_ = std::make_unique<ClientService>(
      *loops, *broker_, options,
      ClientService::Tls{.acceptor = tls_.get(), .to_auth_servers = auth_tls_});
  reports_ = std::make_unique<net::EventLoops>(1, "nsq-report");
  if (!options.statsd_address.empty()) {
    statsd_.emplace(reports_->loop(0), *broker_, options);
    statsd_->start();
  }
  settings_.emplace(options.nsqlookupd_tcp_addresses);
  lookup_peers_ = std::make_unique<LookupPeers>(*broker_, options);
  broker_->set_observer(lookup_peers_.get());
  settings_->on_nsqlookupd_tcp_addresses([this](std::vector<std::string> addresses) {
    lookup_peers_->set_addresses(std::move(addresses));
  });
  api_.emplace(ApiContext{.broker = *broker_,
                          .clients = *clients_,
                          .options = options,
                          .settings = *settings_,
                          .reports = reports_->loop(0),
                          .start_time = Timestamp::now(),
                          .tcp_port = port_of(tcp_listener),
                          .http_port = port_of(http_listener),
                          .https_port = port_of(https_listener),
                          .drain = [this] { drain(); }});
  drain_watch_ = std::make_unique<DrainWatch>(loops->loop(0), *broker_, [this] {
    if (hooks_.on_drained) hooks_.on_drained();
  });
  add_api(router_, *api_);
  refuse_without_tls(https_only_, *api_);
  const bool takes_plain_http = options.tls_required != "true";
  http_server_ = std::make_unique<http::Server>(takes_plain_http ? router_ : https_only_);
  https_server_ = std::make_unique<http::Server>(router_);

  broker_timer_->start(*broker_);
  tcp_listener->start([this](net::Socket socket) { clients_->accept(std::move(socket)); });
  log::info("TCP: listening on {}", tcp_listener->local_text());
  if (http_listener) {
    http_listener->start([this](net::Socket socket) { http_server_->serve(std::move(socket)); });
    log::info("HTTP: listening on {}", http_listener->local_text());
  }
  if (https_listener) {
    https_listener->start([this](net::Socket socket) {
      https_server_->serve(http::make_tls_transport(std::move(socket), *tls_));
    });
    log::info("HTTPS: listening on {}", https_listener->local_text());
  }
  lookup_peers_->start();
  reports_->start();
  timers_->start();
  loops->start();
  is_serving = true;
  {
    Lock reloading(reload_mutex_);
    can_reload_ = true;
  }
  Lock draining(drain_mutex_);
  can_drain_ = true;
  if (drain_wanted_) begin_to_drain();
}

void Daemon::Parts::drain() {
  Lock draining(drain_mutex_);
  if (std::exchange(drain_wanted_, true)) return;
  if (can_drain_) begin_to_drain();
}

void Daemon::Parts::begin_to_drain() {
  log::info("NSQ: draining: no more messages are taken, and those that are there given away");
  broker_->drain();
  asio::post(loops->loop(0), [watch = drain_watch_.get()] { watch->begin(); });
}

void Daemon::Parts::stop() {
  {
    Lock draining(drain_mutex_);
    can_drain_ = false;
  }
  {
    Lock reloading(reload_mutex_);
    can_reload_ = false;
  }
  if (is_serving) stop_serving();
  if (is_serving) write_everything();
  if (storage_threads_) storage_threads_->finish();
  // Answers that came too late find their connections closed.
  if (loops) loops->run_leftovers();
  if (broker_timer_) broker_timer_->stop();
  if (drain_watch_) drain_watch_->stop();
  tcp_listener.reset();
  http_listener.reset();
  https_listener.reset();
  tls_.reset();
  // With the loops go the connections, which use everything else.
  loops.reset();
  lock.reset();
  if (std::exchange(is_serving, false)) log::info("NSQ: bye");
}

void Daemon::Parts::reload_certificates() {
  Lock reloading(reload_mutex_);
  if (!can_reload_ || !tls_) return;
  auto renewed = server_tls_context(options);
  if (!renewed) {
    log::error("keeping the old certificates - {}", renewed.error().context());
    return;
  }
  tls_->replace_context(std::move(*renewed));
  log::info("certificates were read again");
}

void Daemon::Parts::write_everything() {
  storage_threads_->drain();
  log::info("NSQ: persisting topic/channel metadata to {}", metadata_path());
  log::info("NSQ: closing topics");
  if (auto written = broker_->shut_down(Moment::now()); !written) {
    log::error("not everything could be written - {}", written.error().to_string());
  }
  log::info("NSQ: stopping subsystems");
}

void Daemon::Parts::stop_serving() {
  log::info("TCP: closing {}", tcp_listener->local_text());
  tcp_listener->close();
  clients_->close_all();
  if (http_listener) {
    log::info("HTTP: closing {}", http_listener->local_text());
    http_listener->close();
  }
  if (https_listener) {
    log::info("HTTPS: closing {}", https_listener->local_text());
    https_listener->close();
  }
  http_server_->close();
  https_server_->close();
  // What was on its way to a loop arrives, and finds everything closed; consumers leave.
  let_loops_catch_up(*loops);
  let_loops_catch_up(*loops);
  // Nobody asks for a report any more; those not begun are dropped.
  reports_->stop();
  reports_->join();
  reports_.reset();
  timers_->stop();
  timers_->join();
  loops->stop();
  loops->join();
  lookup_peers_->stop();
}

Daemon::Daemon(Options options, Hooks hooks)
    : parts_(std::make_unique<Parts>(std::move(options), std::move(hooks))) {}

Daemon::~Daemon() {
  parts_->stop();
}

Result<void> Daemon::start() {
  auto started = parts_->start();
  if (!started) parts_->stop();
  return started;
}

void Daemon::stop() {
  NSQ_ASSERT(parts_->is_serving);
  parts_->stop();
}

void Daemon::drain() {
  parts_->drain();
}

void Daemon::reload_certificates() {
  parts_->reload_certificates();
}

int Daemon::tcp_port() const {
  return port_of(parts_->tcp_listener);
}
int Daemon::http_port() const {
  return port_of(parts_->http_listener);
}
int Daemon::https_port() const {
  return port_of(parts_->https_listener);
}
net::EventLoops& Daemon::loops() {
  return *parts_->loops;
}

}  // namespace nsq::daemon
