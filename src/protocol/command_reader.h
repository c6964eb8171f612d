#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "protocol/command.h"
#include "protocol/error_code.h"

namespace nsq::protocol {

// The longest command line, its newline included.
inline constexpr std::size_t kMaxLineBytes = 16'384;

// Reads a client's commands. All checks that need no engine are made here, in the order in which
// the protocol makes them: state, parameters, declared size, body. A body over a limit is refused
// when its size is read, before the body is awaited. A batch takes what its count and sizes say, up
// to `max_body_size` of message bodies, whatever its declared size.
//
// The reader keeps no place of its own: the caller hands in everything it has not consumed yet,
// from the first such byte on, and reads again when there is more. One reader can therefore serve
// all connections of a loop in turn.
//
// Threading: confined.
class CommandReader {
 public:
  enum class Outcome {
    Command,      // `command()` is set; the next one begins `consumed()` bytes further on
    NeedMore,     // nothing more can be said before the input is `needed_bytes()` long
    Error,        // `error()` is to be sent, after which the connection is closed
    LineTooLong,  // the connection is closed without a word
  };

  explicit CommandReader(const CommandLimits& limits) : limits_(limits) {}

  // Allocates nothing for the commands that come often, once `messages` has grown to its size.
  Outcome read(std::string_view input, const CommandContext& context);

  // Reads the FINs that `input` begins with, as far as they are written as nearly all are; most of
  // what consumers send is rows of these. Calls `finish(MessageId)` for each; returns how many
  // bytes they take. 0 if there is none, or none is permitted now: `read` then tells more.
  template <typename Finish>
  std::size_t read_finishes(std::string_view input, const CommandContext& context, Finish finish) {
    if (!may_finish(context)) return 0;
    MessageIdReader ids;
    std::size_t position = 0;
    while (input.size() - position >= kFinishBytes) {
      const char* const line = input.data() + position;
      if (std::memcmp(line, kFinishName.data(), kFinishName.size()) != 0) break;
      if (line[kFinishBytes - 1] != '\n') break;
      const auto id = ids.read(line + kFinishName.size());
      if (!id) break;
      finish(*id);
      position += kFinishBytes;
    }
    return position;
  }

  // What a client is told whose stream ends, or whose deadline passes, behind `input`, for which
  // `read` wants more. Empty if it is to be told nothing, as within a command line.
  std::optional<ProtocolError> error_at_end(std::string_view input, const CommandContext& context);

  const Command& command() const { return command_; }
  std::size_t consumed() const { return consumed_; }
  std::size_t needed_bytes() const { return needed_bytes_; }
  const ProtocolError& error() const { return error_; }

  static std::string_view name_of(Verb verb);

 private:
  static constexpr std::string_view kFinishName = "FIN ";
  static constexpr std::size_t kFinishBytes = kFinishName.size() + kMessageIdBytes + 1;

  class Words;
  struct Row;
  // A line that was read and the input it is the beginning of.
  struct Line {
    std::string_view input;
    std::size_t bytes;  // the newline included
    const Row& row;
  };

  static std::span<const Row> rows();
  static const Row* find_row(std::string_view word);

  Outcome read_command(std::string_view input, const CommandContext& context);
  static bool may_finish(const CommandContext& context);

  // The columns of the table. Parameter checks return false after setting the error.
  bool no_parameters(Words words, const CommandContext& context);
  bool refuse_parameters(Words words, const CommandContext& context);
  bool subscription(Words words, const CommandContext& context);
  bool topic(Words words, const CommandContext& context);
  bool topic_and_delay(Words words, const CommandContext& context);
  bool ready_count(Words words, const CommandContext& context);
  bool message_id(Words words, const CommandContext& context);
  bool message_id_and_delay(Words words, const CommandContext& context);
  Outcome no_body(const Line& line);
  Outcome document(const Line& line);
  Outcome message(const Line& line);
  Outcome batch(const Line& line);

  bool set_topic(std::string_view verb, std::string_view name);
  bool set_message_id(std::string_view text);
  Outcome whole_body(const Line& line, std::int64_t size, ErrorCode code, std::string_view what);
  Outcome batch_messages(const Line& line, std::size_t position, std::size_t count);

  Outcome complete(std::size_t consumed);
  Outcome refuse(ErrorCode code, std::string text);
  Outcome missing(std::size_t needed_bytes, ErrorCode code, const Line& line,
                  std::string_view what);

  const CommandLimits limits_;
  bool at_end_ = false;  // nothing follows the input: what is missing is an error
  Command command_;
  std::vector<std::string_view> messages_;
  std::size_t consumed_ = 0;
  std::size_t needed_bytes_ = 0;
  ProtocolError error_;
};

}  // namespace nsq::protocol
