#include "nsq/result.h"

namespace nsq {

std::string Error::to_string() const {
  const std::string reason = code_.message();
  if (context_.empty()) return reason;
  if (context_.ends_with(reason)) return context_;
  return context_ + ": " + reason;
}

}  // namespace nsq
