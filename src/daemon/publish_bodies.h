#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

namespace nsq::daemon {

// How many messages and bytes one HTTP publish may have.
struct PublishLimits {
  std::int64_t max_msg_size;
  std::int64_t max_body_size;
};

// The messages in the body of an /mpub request, as views of it, are added to `messages`.
// Returns the error's code for the client, or nothing; after an error, `messages` is of no use.

// One message per line; empty lines are none, a '\r' is data.
// Errors: MSG_TOO_BIG.
std::optional<std::string_view> split_lines(std::string_view body, const PublishLimits& limits,
                                            std::vector<std::string_view>& messages);

// The protocol's own form: the count, then size and bytes of each, as 4-byte integers. What follows
// the last message is ignored.
// Errors: BAD_BODY for the count, BAD_MESSAGE for what it announces.
std::optional<std::string_view> split_batch(std::string_view body, const PublishLimits& limits,
                                            std::vector<std::string_view>& messages);

}  // namespace nsq::daemon
