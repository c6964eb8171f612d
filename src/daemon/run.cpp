#include "daemon/run.h"

#include <optional>
#include <utility>

#include "base/log.h"
#include "daemon/daemon.h"
#include "net/run_until_stopped.h"

namespace nsq::daemon {

int run(const Options& options) {
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
  const int status = net::run_until_stopped(daemon, *stop_signal);
  // Signals come to nobody before the daemon, which they are about, is gone.
  stop_signal.reset();
  return status;
}

}  // namespace nsq::daemon
