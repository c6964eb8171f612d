#include "net/host_lookup.h"

#include <netdb.h>
#include <pthread.h>
#include <sys/socket.h>

#include <asio/experimental/as_tuple.hpp>
#include <asio/ip/tcp.hpp>
#include <asio/post.hpp>
#include <asio/use_awaitable.hpp>
#include <cstring>
#include <deque>
#include <functional>
#include <optional>
#include <system_error>
#include <thread>
#include <utility>

#include "base/mutex.h"
#include "net/net_error.h"

namespace nsq::net {
namespace {

// Questions beyond wait for one of these to be answered.
constexpr std::size_t kMostThreads = 8;

Error no_such_host(const std::string& host) {
  return Error(NetErrc::NoSuchHost, "lookup " + host);
}

}  // namespace

HostAddresses ask_system_for_host(const std::string& host) {
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;  // or each address comes once for every kind
  addrinfo* found = nullptr;
  if (::getaddrinfo(host.c_str(), nullptr, &hints, &found) != 0) return no_such_host(host);
  std::vector<asio::ip::address> addresses;
  for (const addrinfo* each = found; each != nullptr; each = each->ai_next) {
    asio::ip::tcp::endpoint endpoint;
    if (each->ai_addrlen > endpoint.capacity()) continue;
    std::memcpy(endpoint.data(), each->ai_addr, each->ai_addrlen);
    addresses.push_back(endpoint.address());
  }
  ::freeaddrinfo(found);
  if (addresses.empty()) return no_such_host(host);
  return addresses;
}

// --- the crew ----------------------------------------------------------------------------------

struct LookupCrew::Job {
  explicit Job(std::string of) : host(std::move(of)) {}

  // The answer, unless nobody wants it any more. The loop cannot go while it is told: whoever asks
  // abandons the job before.
  void tell(HostAddresses found) {
    Lock lock(mutex);
    if (!wake_up) return;
    answer = std::move(found);
    wake_up();
    wake_up = nullptr;
  }
  void abandon() {
    Lock lock(mutex);
    wake_up = nullptr;
  }
  bool is_abandoned() {
    Lock lock(mutex);
    return !wake_up;
  }

  const std::string host;
  Mutex mutex;
  std::function<void()> wake_up NSQ_GUARDED_BY(mutex);
  std::optional<HostAddresses> answer NSQ_GUARDED_BY(mutex);
};

struct LookupCrew::State {
  explicit State(FindHost how) : find(how) {}

  const FindHost find;
  Mutex mutex;
  std::deque<std::shared_ptr<Job>> waiting NSQ_GUARDED_BY(mutex);
  std::size_t threads NSQ_GUARDED_BY(mutex) = 0;
};

LookupCrew::LookupCrew(FindHost find) : state_(*new State(find)) {}

LookupCrew& LookupCrew::make(FindHost find) {
  return *new LookupCrew(find);
}

LookupCrew& LookupCrew::instance() {
  static LookupCrew& crew = make(ask_system_for_host);
  return crew;
}

void LookupCrew::submit(std::shared_ptr<Job> job) {
  {
    Lock lock(state_.mutex);
    state_.waiting.push_back(job);
    // A thread for each, as nobody can tell which question will take long.
    if (state_.threads == kMostThreads) return;
    ++state_.threads;
  }
  try {
    std::thread([&state = state_] { work(state); }).detach();
  } catch (const std::system_error&) {
    Lock lock(state_.mutex);
    // Those that are there come to it.
    if (--state_.threads > 0) return;
    std::erase(state_.waiting, job);
    lock.unlock();
    job->tell(no_such_host(job->host));
  }
}

void LookupCrew::work(State& state) {
  pthread_setname_np(pthread_self(), "nsq-dns");
  Lock lock(state.mutex);
  while (!state.waiting.empty()) {
    const std::shared_ptr<Job> job = std::move(state.waiting.front());
    state.waiting.pop_front();
    lock.unlock();
    if (!job->is_abandoned()) job->tell(state.find(job->host));
    lock.lock();
  }
  --state.threads;
}

// --- a question --------------------------------------------------------------------------------

HostLookup::HostLookup(asio::io_context& loop, LookupCrew& crew)
    : loop_(loop),
      crew_(crew),
      answered_(loop, asio::steady_timer::time_point::max()),
      self_(std::make_shared<HostLookup*>(this)) {}

HostLookup::~HostLookup() {
  if (job_) job_->abandon();
}

asio::awaitable<HostAddresses> HostLookup::run(std::string host) {
  job_ = std::make_shared<LookupCrew::Job>(std::move(host));
  {
    Lock lock(job_->mutex);
    job_->wake_up = [&loop = loop_, weak = std::weak_ptr(self_)] {
      asio::post(loop, [weak] {
        if (const auto self = weak.lock()) (*self)->answered_.cancel();
      });
    };
  }
  crew_.submit(job_);
  co_await answered_.async_wait(asio::experimental::as_tuple(asio::use_awaitable));
  Lock lock(job_->mutex);
  job_->wake_up = nullptr;
  if (!job_->answer) co_return Error(std::make_error_code(std::errc::operation_canceled), "lookup");
  co_return std::move(*job_->answer);
}

void HostLookup::cancel() {
  if (job_) job_->abandon();
  answered_.cancel();
}

}  // namespace nsq::net
