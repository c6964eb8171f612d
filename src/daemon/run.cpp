#include "daemon/run.h"

#include <sys/resource.h>

#include <future>

#include "base/log.h"
#include "daemon/daemon.h"
#include "net/event_loops.h"
#include "net/signals.h"

namespace nsq::daemon {
namespace {

// Connections are file descriptors, and the usual limit of 1024 has nothing to do with what the
// machine can carry.
void allow_many_connections() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == limit.rlim_max) return;
  limit.rlim_cur = limit.rlim_max;
  if (setrlimit(RLIMIT_NOFILE, &limit) != 0) log::warning("cannot raise the limit of open files");
}

// Waits for the process to be told to stop. It has a loop of its own, so that a signal that comes
// while the daemon starts is kept, and a second one ends the process whatever it is doing.
class StopSignal {
 public:
  StopSignal() : signals_(loop_.loop(0), [this] { asked_.set_value(); }) { loop_.start(); }
  ~StopSignal() {
    loop_.stop();
    loop_.join();
  }
  void wait() { asked_.get_future().wait(); }

 private:
  std::promise<void> asked_;
  net::EventLoops loop_{1, "nsq-signals"};
  net::Signals signals_;
};

}  // namespace

int run(const Options& options) {
  log::set_prefix(options.log_prefix);
  log::set_level(log::parse_level(options.log_level).value_or(log::Level::Info));
  allow_many_connections();
  net::ignore_broken_pipes();
  StopSignal stop_signal;

  Daemon daemon(options);
  if (auto started = daemon.start(); !started) {
    log::fatal("{}", started.error().context());
    return 1;
  }
  stop_signal.wait();
  daemon.stop();
  return 0;
}

}  // namespace nsq::daemon
