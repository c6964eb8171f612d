#pragma once

#include "protocol/names.h"

namespace nsq::client {
using protocol::is_valid_name;  // of topics and channels, for those who know the wire only through
                                // us
}
