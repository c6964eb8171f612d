#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/instant.h"

namespace nsq::utilities {

// Publish commands of equal length, one after the other, made once and sent again and again: as
// many as may be unanswered, so that each can be marked before it goes out. Bodies are of printable
// characters without a pattern, for compression to have what it has with texts at best.
struct CommandBlock {
  std::string bytes;
  std::size_t command_bytes = 0;
  std::size_t messages = 0;    // in each command
  std::size_t first_body = 0;  // where it lies in a command
  std::size_t body_stride = 0;

  std::size_t commands() const { return bytes.size() / command_bytes; }
};

// With `host` as HTTP requests, otherwise as NSQ commands. One message is a PUB, more an MPUB.
// Requires: everything is at least 1.
CommandBlock make_command_block(const std::string& topic, std::size_t body_bytes,
                                std::size_t messages, std::size_t commands,
                                std::optional<std::string> host = {});

// What a body begins with where its way is timed: when it was due, and whose it is.
struct Mark {
  static constexpr std::size_t kBytes = 16;
  Instant due;  // on the clock of this process
  std::uint64_t run = 0;
};
// Marks every body of a command. Requires: bodies of at least Mark::kBytes.
void put_mark(CommandBlock& block, std::size_t command, const Mark& mark);
// Requires: a body of at least Mark::kBytes.
Mark read_mark(std::string_view body);

}  // namespace nsq::utilities
