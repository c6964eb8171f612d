#include "net/run_until_stopped.h"

#include "base/log.h"

namespace nsq::net {

int failed_to_start(const Error& error, const StopSignal& stop_signal) {
  if (stop_signal.is_stopping()) {
    log::info("NSQ: stopped while starting - {}", error.context());
    return 0;
  }
  log::fatal("{}", error.context());
  return 1;
}

}  // namespace nsq::net
