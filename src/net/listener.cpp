#include "net/listener.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <asio/basic_socket_acceptor.hpp>
#include <asio/ip/address.hpp>
#include <asio/ip/v6_only.hpp>
#include <asio/post.hpp>
#include <asio/steady_timer.hpp>
#include <cerrno>
#include <chrono>
#include <utility>

#include "base/assert.h"
#include "base/log.h"
#include "net/net_error.h"

namespace nsq::net {
namespace {

using namespace std::chrono_literals;
// Codes that Asio reports are compared with Asio's own names: in version 1.22 they do not compare
// equal to std::errc.

using RawAcceptor = asio::basic_socket_acceptor<asio::generic::stream_protocol, Executor>;

constexpr int kBacklog = 4096;  // the kernel lowers it to its own limit
constexpr int kAcceptsAtOnce = 64;
constexpr auto kPauseWhenExhausted = 100ms;

// Whether a path is a Unix socket's with nobody behind it any more. Connecting to a file that is no
// socket is refused as well.
bool is_stale(const Endpoint& endpoint) {
  struct stat status {};
  if (::lstat(to_text(endpoint).c_str(), &status) != 0 || !S_ISSOCK(status.st_mode)) return false;
  asio::io_context context;
  Socket probe(context);
  std::error_code error;
  probe.open(endpoint.protocol(), error);
  // One whose backlog is full would make this wait, and is alive.
  if (!error) probe.native_non_blocking(true, error);
  if (!error) probe.connect(endpoint, error);
  return error == asio::error::connection_refused;
}

// What somebody meant as an IP address or a host, and forgot the port of, would become a file.
bool lacks_port(const Address& address) {
  if (address.is_tcp()) return false;
  std::string_view text = address.text();
  if (text == "localhost") return true;
  if (text.starts_with('[') && text.ends_with(']')) text = text.substr(1, text.size() - 2);
  std::error_code error;
  asio::ip::make_address(text, error);
  return !error;
}

// The step that failed, "" if none did, and why.
struct ListenOutcome {
  const char* step = "";
  std::error_code error;
};

ListenOutcome try_listen(RawAcceptor& acceptor, const Endpoint& endpoint, bool dual_stack,
                         std::optional<unsigned> unix_mode) {
  std::error_code error;
  acceptor.open(endpoint.protocol(), error);
  if (error) return {"socket", error};
  const int family = endpoint.protocol().family();
  if (family != AF_UNIX) acceptor.set_option(asio::socket_base::reuse_address(true), error);
  if (family == AF_INET6) acceptor.set_option(asio::ip::v6_only(!dual_stack), error);
  acceptor.bind(endpoint, error);
  if (error == asio::error::address_in_use && family == AF_UNIX && is_stale(endpoint)) {
    ::unlink(to_text(endpoint).c_str());
    acceptor.bind(endpoint, error);
  }
  if (error) return {"bind", error};
  if (family == AF_UNIX && unix_mode && ::chmod(to_text(endpoint).c_str(), *unix_mode) != 0) {
    error.assign(errno, asio::error::get_system_category());
    ::unlink(to_text(endpoint).c_str());
    return {"chmod", error};
  }
  acceptor.listen(kBacklog, error);
  if (error) return {"listen", error};
  acceptor.non_blocking(true, error);
  return {"listen", error};
}

Error listen_error(const Address& address, std::string_view reason, std::error_code code) {
  return Error(code,
               fmt::format("listen ({}) failed - {}: {}", address.text(), reason, code.message()));
}

}  // namespace

// The accepting half, kept alive by its own pending operations. Confined to its loop.
class Listener::Acceptor : public std::enable_shared_from_this<Acceptor> {
 public:
  Acceptor(EventLoops& loops, asio::io_context& home)
      : loops_(loops), home_(home), acceptor_(home), pause_(home) {}
  ~Acceptor() { remove_file(); }

  RawAcceptor& raw() { return acceptor_; }
  asio::io_context& home() { return home_; }

  // Remembers the file that `bind` made, so that closing does not remove somebody else's.
  void own_file(const std::string& path) {
    struct stat status {};
    if (::stat(path.c_str(), &status) == 0) {
      path_ = path;
      device_ = status.st_dev;
      inode_ = status.st_ino;
    }
  }

  void start(OnSocket on_socket) {
    on_socket_ = std::make_shared<const OnSocket>(std::move(on_socket));
    wait();
  }

  void close() {
    closed_ = true;
    remove_file();
    std::error_code ignored;  // there is nothing to be done about a failing close
    acceptor_.close(ignored);
    pause_.cancel();
  }

 private:
  void wait() {
    if (closed_) return;
    acceptor_.async_wait(RawAcceptor::wait_read,
                         [self = shared_from_this()](std::error_code error) {
                           if (!error) self->accept_some();
                         });
  }

  void accept_some() {
    for (int i = 0; i < kAcceptsAtOnce && !closed_; ++i) {
      std::error_code error;
      Socket socket = acceptor_.accept(*next_loop_, error);
      if (error == asio::error::would_block) break;
      if (error == asio::error::connection_aborted || error == asio::error::interrupted) continue;
      if (error) return pause(error);
      exhausted_ = false;
      hand_over(std::move(socket), *next_loop_);
      next_loop_ = &loops_.next();
    }
    wait();
  }

  void hand_over(Socket socket, asio::io_context& loop) {
    tune(socket);
    if (&loop == &home_) return (*on_socket_)(std::move(socket));
    asio::post(loop, [on_socket = on_socket_, socket = std::move(socket)]() mutable {
      (*on_socket)(std::move(socket));
    });
  }

  // Whatever ails the process (mostly: no file descriptors left), trying again at once would spin.
  void pause(std::error_code error) {
    if (!exhausted_) {
      log::error("accept failed, pausing - {}", system_error(error.value()).message());
    }
    exhausted_ = true;
    pause_.expires_after(kPauseWhenExhausted);
    pause_.async_wait([self = shared_from_this()](std::error_code cancelled) {
      if (!cancelled) self->accept_some();
    });
  }

  void remove_file() {
    struct stat status {};
    if (!path_.empty() && ::stat(path_.c_str(), &status) == 0 && status.st_dev == device_ &&
        status.st_ino == inode_) {
      ::unlink(path_.c_str());
    }
    path_.clear();
  }

  EventLoops& loops_;
  asio::io_context& home_;
  asio::io_context* next_loop_ = &loops_.next();  // for the next connection
  RawAcceptor acceptor_;
  asio::steady_timer pause_;
  std::shared_ptr<const OnSocket> on_socket_;
  bool exhausted_ = false;  // the last attempts failed, and that was logged
  bool closed_ = false;
  std::string path_;  // of a Unix socket; empty for TCP
  dev_t device_ = 0;
  ino_t inode_ = 0;
};

Result<std::unique_ptr<Listener>> Listener::open(EventLoops& loops, const Address& address,
                                                 std::optional<unsigned> unix_mode) {
  const char* network = address.is_tcp() ? "listen tcp" : "listen unix";
  if (lacks_port(address)) {
    return listen_error(address, fmt::format("listen tcp: address {}", address.text()),
                        NetErrc::MissingPort);
  }
  if (address.path().empty() && !address.is_tcp()) unix_mode.reset();  // it has no file
  const auto endpoints = resolve(address);
  if (!endpoints) {
    return listen_error(address, fmt::format("{}: {}", network, endpoints.error().context()),
                        endpoints.error().code());
  }
  // Only a wildcard has a second choice: IPv4 alone, where the machine has no IPv6.
  const bool wildcard = address.is_wildcard();
  const auto acceptor = std::make_shared<Acceptor>(loops, loops.next());
  ListenOutcome outcome = try_listen(acceptor->raw(), endpoints->front(), wildcard, unix_mode);
  if (outcome.error && wildcard && outcome.error != asio::error::address_in_use) {
    std::error_code ignored;  // a failed close leaves nothing to try
    acceptor->raw().close(ignored);
    outcome = try_listen(acceptor->raw(), endpoints->back(), wildcard, unix_mode);
  }
  if (outcome.error) {
    const std::string reason = fmt::format("{} {}: {}", network, address.text(), outcome.step);
    return listen_error(address, reason, system_error(outcome.error.value()));
  }
  if (!address.is_tcp() && !address.path().empty()) acceptor->own_file(address.path());
  return std::unique_ptr<Listener>(new Listener(acceptor, acceptor->raw().local_endpoint()));
}

Listener::Listener(std::shared_ptr<Acceptor> acceptor, Endpoint local)
    : acceptor_(std::move(acceptor)), local_(std::move(local)) {}

Listener::~Listener() {
  close();
}

void Listener::start(OnSocket on_socket) {
  asio::post(acceptor_->home(), [acceptor = acceptor_, callback = std::move(on_socket)]() mutable {
    acceptor->start(std::move(callback));
  });
}

void Listener::close() {
  asio::post(acceptor_->home(), [acceptor = acceptor_] { acceptor->close(); });
}

}  // namespace nsq::net
