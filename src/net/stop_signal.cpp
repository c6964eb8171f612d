#include "net/stop_signal.h"

#include <sys/resource.h>

namespace nsq::net {

StopSignal::StopSignal() : signals_(loop_.loop(0), [this] { asked_.set_value(); }) {
  ignore_broken_pipes();
  loop_.start();
}

StopSignal::~StopSignal() {
  loop_.stop();
  loop_.join();
}

bool allow_many_connections() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == limit.rlim_max) return true;
  limit.rlim_cur = limit.rlim_max;
  return setrlimit(RLIMIT_NOFILE, &limit) == 0;
}

}  // namespace nsq::net
