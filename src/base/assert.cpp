#include "base/assert.h"

#include <cstdio>
#include <cstdlib>

namespace nsq {

void assertion_failed(const char* condition, const char* file, int line) {
  std::fprintf(stderr, "nsq: internal error: %s does not hold (%s:%d)\n", condition, file, line);
  std::abort();
}

}  // namespace nsq
