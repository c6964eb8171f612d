#include "lookupd/run.h"

#include "base/log.h"
#include "lookupd/lookupd.h"
#include "net/run_until_stopped.h"

namespace nsq::lookupd {

int run(const Options& options) {
  if (!net::allow_many_connections()) log::warning("cannot raise the limit of open files");
  net::StopSignal stop_signal;
  Lookupd lookupd(options);
  return net::run_until_stopped(lookupd, stop_signal);
}

}  // namespace nsq::lookupd
