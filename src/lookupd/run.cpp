#include "lookupd/run.h"

#include "base/log.h"
#include "lookupd/lookupd.h"
#include "net/stop_signal.h"

namespace nsq::lookupd {

int run(const Options& options) {
  log::set_prefix(options.log_prefix);
  log::set_level(log::parse_level(options.log_level).value_or(log::Level::Info));
  if (!net::allow_many_connections()) log::warning("cannot raise the limit of open files");
  net::StopSignal stop_signal;

  Lookupd lookupd(options);
  if (auto started = lookupd.start(); !started) {
    log::fatal("{}", started.error().context());
    return 1;
  }
  stop_signal.wait();
  lookupd.stop();
  return 0;
}

}  // namespace nsq::lookupd
