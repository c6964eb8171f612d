#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "nsq/result.h"

namespace nsq::admin {

// What a question to the API comes to: a status and JSON text.
struct Answer {
  int status = 200;
  std::string body{};

  bool is_error() const { return status != 200; }
};

// {"message":"CODE"}.
Answer error_answer(int status, std::string_view code);
// 502: nobody answered. The error's context tells who was asked.
Answer upstream_error(const Error& error);

// The "message" of an answer to which not everybody contributed: "WARNING: ..." with the stages'
// errors, or nothing. Each stage is one round of questions.
class Warnings {
 public:
  Warnings() = default;
  // Of the stages that were gone through, in their order.
  template <typename... Stages>
  explicit Warnings(const std::vector<std::string>& first, const Stages&... others) {
    add(first);
    (add(others), ...);
  }
  void add(const std::vector<std::string>& stage);
  bool empty() const { return text_.empty(); }
  std::string message() const { return text_.empty() ? "" : "WARNING: " + text_; }

 private:
  std::string text_;
};

}  // namespace nsq::admin
