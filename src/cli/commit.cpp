#include <nsq_commit.h>

#include "cli/build_info.h"

// Alone, because it is compiled with every commit.
namespace nsq::cli {

std::string_view commit() {
  return NSQ_COMMIT;
}

std::string_view source_date() {
  return NSQ_SOURCE_DATE;
}

}  // namespace nsq::cli
