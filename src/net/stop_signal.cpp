#include "net/stop_signal.h"

#include <sys/resource.h>

#include <utility>

namespace nsq::net {

StopSignal::StopSignal(Others others)
    : signals_(
          loop_.loop(0), [this] { stop(); }, std::move(others.on_hangup),
          std::move(others.on_drain)) {
  ignore_broken_pipes();
  loop_.start();
}

StopSignal::~StopSignal() {
  loop_.stop();
  loop_.join();
}

void StopSignal::stop() {
  if (!stopping_.exchange(true)) asked_.set_value();
}

bool allow_many_connections() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == limit.rlim_max) return true;
  limit.rlim_cur = limit.rlim_max;
  return setrlimit(RLIMIT_NOFILE, &limit) == 0;
}

}  // namespace nsq::net
