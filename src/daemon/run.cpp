#include "daemon/run.h"

#include <functional>
#include <optional>

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
  std::function<void()> on_drain;
  if (options.sigterm_mode == "drain") on_drain = [&] { daemon.drain(); };
  stop_signal.emplace(net::StopSignal::Others{.on_hangup = [&] { log::reopen_file(); },
                                              .on_drain = std::move(on_drain)});
  const int status = run_until_stopped(daemon, *stop_signal);
  // Signals come to nobody before the daemon, which they are about, is gone.
  stop_signal.reset();
  return status;
}

}  // namespace nsq::daemon
