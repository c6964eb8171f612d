#include "standalone/run.h"

#include <optional>
#include <utility>

#include "base/log.h"
#include "net/run_until_stopped.h"
#include "standalone/addresses.h"
#include "standalone/standalone.h"

namespace nsq::standalone {
namespace {

// What is run: the servers, and a word to whoever tries them out.
struct Introduced {
  Standalone& servers;
  const Options& options;

  Result<void> start() {
    auto started = servers.start();
    if (!started) return started;
    log::info("everything is up: http://{}{} in a browser",
              local_address(options.admin.http_address, servers.admin_http_port()),
              options.admin.base_path);
    return {};
  }
  void stop() { servers.stop(); }
};

}  // namespace

int run(const Options& options) {
  if (!net::allow_many_connections()) log::warning("cannot raise the limit of open files");

  std::optional<net::StopSignal> stop_signal;
  Standalone servers(options, {.is_stopping = [&] { return stop_signal->is_stopping(); },
                               .on_drained = [&] { stop_signal->stop(); }});
  net::StopSignal::Others others;
  others.on_hangup = [&] {
    log::reopen_file();
    servers.reload_certificates();
  };
  if (options.daemon.sigterm_mode == "drain") others.on_drain = [&] { servers.drain(); };
  stop_signal.emplace(std::move(others));
  Introduced introduced{servers, options};
  const int status = net::run_until_stopped(introduced, *stop_signal);
  // Signals come to nobody before the servers, which they are about, are gone.
  stop_signal.reset();
  return status;
}

}  // namespace nsq::standalone
