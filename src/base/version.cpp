#include "base/version.h"

namespace nsq {

std::string_view version() {
  return NSQ_VERSION;
}

std::string_view toolchain() {
#ifdef __clang__
  return "clang " __clang_version__;
#else
  return "g++ " __VERSION__;
#endif
}

}  // namespace nsq
