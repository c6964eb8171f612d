// Any bytes a client may send, whole and in pieces, one command at a time and FINs by the row: all
// must mean the same.
#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "base/assert.h"
#include "protocol/command_reader.h"

using namespace nsq::protocol;

namespace {

constexpr CommandLimits kLimits{.max_msg_size = 200, .max_body_size = 1000, .max_rdy_count = 100};

enum class Finishes { OneByOne, InRows };

// The verbs read and the error the stream ends in, when it comes in pieces of `piece` bytes.
std::string story_of(std::string_view stream, std::size_t piece, Finishes finishes) {
  CommandReader reader(kLimits);
  CommandContext context;
  std::string story;
  std::size_t begin = 0;
  std::size_t end = 0;
  while (end < stream.size()) {
    end = std::min(stream.size(), end + piece);
    while (true) {
      const std::vector<char> exact(stream.begin() + begin, stream.begin() + end);
      std::string_view input(exact.data(), exact.size());
      if (finishes == Finishes::InRows) {
        const std::size_t row = reader.read_finishes(input, context, [&](MessageId id) {
          story += std::to_string(static_cast<int>(Verb::Fin)) + id.to_string() + "\n";
        });
        NSQ_ASSERT(row <= input.size());
        input.remove_prefix(row);
        begin += row;
      }
      const auto outcome = reader.read(input, context);
      if (outcome == CommandReader::Outcome::Error) return story + reader.error().to_string();
      if (outcome == CommandReader::Outcome::LineTooLong) return story + "too long";
      if (outcome == CommandReader::Outcome::NeedMore) {
        NSQ_ASSERT(reader.needed_bytes() > input.size());
        break;
      }
      NSQ_ASSERT(reader.consumed() > 0 && reader.consumed() <= input.size());
      const Command& command = reader.command();
      story += std::to_string(static_cast<int>(command.verb)) + std::string(command.topic);
      if (command.id) story += command.id->to_string();
      for (const auto message : command.messages) story += std::string(message) + ",";
      story += std::string(command.body) + "\n";
      if (command.verb == Verb::Sub) context.state = ConnectionState::Subscribed;
      if (command.verb == Verb::Cls) context.state = ConnectionState::Closing;
      begin += reader.consumed();
    }
  }
  const auto error = reader.error_at_end(stream.substr(begin), context);
  return story + (error ? error->to_string() : "quiet");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view stream(reinterpret_cast<const char*>(data), size);
  const std::string whole = story_of(stream, size + 1, Finishes::OneByOne);
  NSQ_ASSERT(story_of(stream, size + 1, Finishes::InRows) == whole);
  NSQ_ASSERT(story_of(stream, 7, Finishes::OneByOne) == whole);
  NSQ_ASSERT(story_of(stream, 30, Finishes::InRows) == whole);
  if (size < 500) NSQ_ASSERT(story_of(stream, 1, Finishes::OneByOne) == whole);
  return 0;
}
