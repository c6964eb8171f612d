#include "daemon/run.h"

#include <optional>
#include <utility>

#include "base/log.h"
#include "daemon/daemon.h"
#include "net/stop_signal.h"

namespace nsq::daemon {
namespace {

int run_until_stopped(Daemon& daemon, net::StopSignal& stop_signal) {
  if (auto started = daemon.start(); !started) {
    // Told to stop while it was starting, it has done what it was told.
    if (stop_signal.is_stopping()) {
      log::info("NSQ: stopped while starting - {}", started.error().context());
      return 0;
    }
    log::fatal("{}", started.error().context());
    return 1;
  }
  stop_signal.wait();
  daemon.stop();
  return 0;
}

}  // namespace

int run(const Options& options) {
  log::set_prefix(options.log_prefix);
  log::set_level(log::parse_level(options.log_level).value_or(log::Level::Info));
  if (!net::allow_many_connections()) log::warning("cannot raise the limit of open files");

  std::optional<net::StopSignal> stop_signal;
  Daemon daemon(options, {.is_stopping = [&] { return stop_signal->is_stopping(); },
                          .on_drained = [&] { stop_signal->stop(); }});
  net::StopSignal::Others others;
  others.on_hangup = [&] {
    log::reopen_file();
    daemon.reload_certificates();
  };
  if (options.sigterm_mode == "drain") others.on_drain = [&] { daemon.drain(); };
  stop_signal.emplace(std::move(others));
  const int status = run_until_stopped(daemon, *stop_signal);
  // Signals come to nobody before the daemon, which they are about, is gone.
  stop_signal.reset();
  return status;
}

}  // namespace nsq::daemon
