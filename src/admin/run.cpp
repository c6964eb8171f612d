#include "admin/run.h"

#include "admin/admin.h"
#include "base/log.h"
#include "net/stop_signal.h"

namespace nsq::admin {

int run(const Options& options) {
  log::set_prefix(options.log_prefix);
  log::set_level(log::parse_level(options.log_level).value_or(log::Level::Info));
  if (!net::allow_many_connections()) log::warning("cannot raise the limit of open files");
  net::StopSignal stop_signal;

  Admin admin(options);
  if (auto started = admin.start(); !started) {
    log::fatal("{}", started.error().context());
    return 1;
  }
  stop_signal.wait();
  admin.stop();
  return 0;
}

}  // namespace nsq::admin
