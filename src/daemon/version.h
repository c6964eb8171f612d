#pragma once

#include "base/version.h"

namespace nsq::daemon {

using nsq::toolchain;
using nsq::version;

}  // namespace nsq::daemon
