#include "admin/run.h"

#include "admin/admin.h"
#include "base/log.h"
#include "net/run_until_stopped.h"

namespace nsq::admin {

int run(const Options& options) {
  if (!net::allow_many_connections()) log::warning("cannot raise the limit of open files");
  net::StopSignal stop_signal;
  Admin admin(options);
  return net::run_until_stopped(admin, stop_signal);
}

}  // namespace nsq::admin
