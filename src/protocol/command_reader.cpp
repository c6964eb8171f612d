#include "protocol/command_reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

#include "base/assert.h"
#include "base/bytes.h"
#include "protocol/decimal.h"
#include "protocol/names.h"
#include "protocol/quote.h"

namespace nsq::protocol {
namespace {

constexpr std::size_t kSizeBytes = sizeof(std::int32_t);
// Of a batch: a size and a byte.
constexpr std::size_t kLeastMessageBytes = kSizeBytes + 1;
// A batch larger than this gives its list of messages back when the next one is read.
constexpr std::size_t kKeptMessages = 16'384;

constexpr unsigned bit(ConnectionState state) {
  return 1U << static_cast<unsigned>(state);
}
constexpr unsigned kInit = bit(ConnectionState::Init);
constexpr unsigned kAnswering =
    bit(ConnectionState::Subscribed) | bit(ConnectionState::Closing);  // may answer for messages
constexpr unsigned kAny = kInit | kAnswering;

// A word of up to eight bytes as one number, so that it is compared in one step; 0 if it is longer.
constexpr std::uint64_t packed(std::string_view word) {
  std::uint64_t value = 0;
  if (word.size() > sizeof value) return 0;
  for (const char c : word) value = value << 8 | static_cast<unsigned char>(c);
  return value;
}

}  // namespace

// The words of a line, which single spaces separate. Two spaces enclose an empty word.
class CommandReader::Words {
 public:
  explicit Words(std::string_view line) : rest_(line) {}

  bool has_next() const { return has_next_; }

  // Requires: has_next().
  std::string_view take_next() {
    const std::size_t space = std::min(rest_.find(' '), rest_.size());
    const std::string_view word = rest_.substr(0, space);
    has_next_ = space < rest_.size();
    rest_.remove_prefix(has_next_ ? space + 1 : space);
    return word;
  }

 private:
  std::string_view rest_;
  bool has_next_ = true;
};

struct CommandReader::Row {
  std::string_view name;
  std::uint64_t packed_name;
  Verb verb;
  unsigned states;
  bool (CommandReader::*parameters)(Words, const CommandContext&);
  Outcome (CommandReader::*body)(const Line&);

  constexpr Row(std::string_view row_name, Verb row_verb, unsigned row_states,
                bool (CommandReader::*row_parameters)(Words, const CommandContext&),
                Outcome (CommandReader::*row_body)(const Line&))
      : name(row_name),
        packed_name(packed(row_name)),
        verb(row_verb),
        states(row_states),
        parameters(row_parameters),
        body(row_body) {}
};

std::span<const CommandReader::Row> CommandReader::rows() {
  constexpr unsigned kSubscribed = bit(ConnectionState::Subscribed);
  using R = CommandReader;
  // In the order of how often they come, which is that of Verb.
  static constexpr std::array rows{
      Row{"FIN", Verb::Fin, kAnswering, &R::message_id, &R::no_body},
      Row{"PUB", Verb::Pub, kAny, &R::topic, &R::message},
      Row{"MPUB", Verb::Mpub, kAny, &R::topic, &R::batch},
      Row{"REQ", Verb::Req, kAnswering, &R::message_id_and_delay, &R::no_body},
      Row{"RDY", Verb::Rdy, kAnswering, &R::ready_count, &R::no_body},
      Row{"TOUCH", Verb::Touch, kAnswering, &R::message_id, &R::no_body},
      Row{"NOP", Verb::Nop, kAny, &R::no_parameters, &R::no_body},
      Row{"DPUB", Verb::Dpub, kAny, &R::topic_and_delay, &R::message},
      Row{"SUB", Verb::Sub, kInit, &R::subscription, &R::no_body},
      Row{"CLS", Verb::Cls, kSubscribed, &R::no_parameters, &R::no_body},
      Row{"IDENTIFY", Verb::Identify, kInit, &R::no_parameters, &R::document},
      Row{"AUTH", Verb::Auth, kInit, &R::refuse_parameters, &R::document},
  };
  return rows;
}

const CommandReader::Row* CommandReader::find_row(std::string_view word) {
  const std::uint64_t wanted = packed(word);
  for (const Row& row : rows()) {
    // The length tells "NOP" from "\0NOP", which pack alike.
    if (row.packed_name == wanted && row.name.size() == word.size()) return &row;
  }
  return nullptr;
}

std::string_view CommandReader::name_of(Verb verb) {
  const Row& row = rows()[static_cast<std::size_t>(verb)];
  NSQ_ASSERT(row.verb == verb);
  return row.name;
}

std::string_view to_string(Verb verb) {
  return CommandReader::name_of(verb);
}

CommandReader::Outcome CommandReader::read(std::string_view input, const CommandContext& context) {
  at_end_ = false;
  return read_command(input, context);
}

std::optional<ProtocolError> CommandReader::error_at_end(std::string_view input,
                                                         const CommandContext& context) {
  at_end_ = true;
  if (read_command(input, context) != Outcome::Error) return std::nullopt;
  return error_;
}

bool CommandReader::may_finish(const CommandContext& context) {
  return !context.tls_missing && (kAnswering & bit(context.state)) != 0;
}

CommandReader::Outcome CommandReader::read_command(std::string_view input,
                                                   const CommandContext& context) {
  const std::size_t window = std::min(input.size(), kMaxLineBytes);
  const void* newline = window == 0 ? nullptr : std::memchr(input.data(), '\n', window);
  if (newline == nullptr) {
    if (window == kMaxLineBytes) return Outcome::LineTooLong;
    needed_bytes_ = input.size() + 1;
    return Outcome::NeedMore;
  }
  const auto length = static_cast<std::size_t>(static_cast<const char*>(newline) - input.data());
  std::string_view text = input.substr(0, length);
  if (text.ends_with('\r')) text.remove_suffix(1);

  Words words(text);
  const std::string_view verb = words.take_next();
  const Row* row = find_row(verb);
  if (context.tls_missing && (row == nullptr || row->verb != Verb::Identify))
    return refuse(ErrorCode::Invalid,
                  fmt::format("cannot {} in current state (TLS required)", verb));
  if (row == nullptr) return refuse(ErrorCode::Invalid, fmt::format("invalid command {}", verb));
  if ((row->states & bit(context.state)) == 0)
    return refuse(ErrorCode::Invalid, fmt::format("cannot {} in current state", verb));

  command_ = Command{};
  command_.verb = row->verb;
  if (!(this->*row->parameters)(words, context)) return Outcome::Error;
  return (this->*row->body)({input, length + 1, *row});
}

// Parameters

bool CommandReader::no_parameters(Words, const CommandContext&) {
  return true;
}

bool CommandReader::refuse_parameters(Words words, const CommandContext&) {
  if (words.has_next()) refuse(ErrorCode::Invalid, "AUTH invalid number of parameters");
  return !words.has_next();
}

bool CommandReader::subscription(Words words, const CommandContext& context) {
  if (context.heartbeats_disabled) {
    refuse(ErrorCode::Invalid, "cannot SUB with heartbeats disabled");
    return false;
  }
  const std::string_view topic = words.has_next() ? words.take_next() : std::string_view();
  if (!words.has_next()) {
    refuse(ErrorCode::Invalid, "SUB insufficient number of parameters");
    return false;
  }
  if (!set_topic("SUB", topic)) return false;
  command_.channel = words.take_next();
  if (is_valid_name(command_.channel)) return true;
  refuse(ErrorCode::BadChannel,
         fmt::format("SUB channel name {} is not valid", quote(command_.channel)));
  return false;
}

bool CommandReader::topic(Words words, const CommandContext&) {
  const bool batch = command_.verb == Verb::Mpub;
  if (!words.has_next()) {
    refuse(ErrorCode::Invalid,
           fmt::format("{} insufficient number of parameters", batch ? "MPUB" : "PUB"));
    return false;
  }
  // MPUB has always named the code twice, and clients may have got used to it.
  return set_topic(batch ? "E_BAD_TOPIC MPUB" : "PUB", words.take_next());
}

bool CommandReader::topic_and_delay(Words words, const CommandContext&) {
  const std::string_view topic = words.has_next() ? words.take_next() : std::string_view();
  if (!words.has_next()) {
    refuse(ErrorCode::Invalid, "DPUB insufficient number of parameters");
    return false;
  }
  if (!set_topic("DPUB", topic)) return false;
  const std::string_view text = words.take_next();
  const auto milliseconds = parse_decimal(text);
  if (!milliseconds) {
    refuse(ErrorCode::Invalid, fmt::format("DPUB could not parse timeout {}", text));
    return false;
  }
  command_.delay = Duration(wrapped_nanoseconds(*milliseconds));
  if (command_.delay >= Duration::zero() && command_.delay <= limits_.max_defer_timeout)
    return true;
  const auto max = std::chrono::duration_cast<std::chrono::milliseconds>(limits_.max_defer_timeout);
  refuse(ErrorCode::Invalid,
         fmt::format("DPUB timeout {} out of range 0-{}", *milliseconds, max.count()));
  return false;
}

bool CommandReader::ready_count(Words words, const CommandContext& context) {
  // A client that is closing may still turn RDY up and down: nothing it says there matters.
  if (context.state == ConnectionState::Closing) {
    command_.verb = Verb::Nop;
    return true;
  }
  command_.ready_count = 1;
  if (!words.has_next()) return true;
  const std::string_view text = words.take_next();
  const auto count = parse_decimal(text);
  if (!count) {
    refuse(ErrorCode::Invalid, fmt::format("RDY could not parse count {}", text));
    return false;
  }
  command_.ready_count = static_cast<std::int64_t>(*count);
  if (command_.ready_count >= 0 && command_.ready_count <= limits_.max_rdy_count) return true;
  refuse(ErrorCode::Invalid, fmt::format("RDY count {} out of range 0-{}", command_.ready_count,
                                         limits_.max_rdy_count));
  return false;
}

bool CommandReader::message_id(Words words, const CommandContext&) {
  if (words.has_next()) return set_message_id(words.take_next());
  refuse(ErrorCode::Invalid, fmt::format("{} insufficient number of params",
                                         command_.verb == Verb::Fin ? "FIN" : "TOUCH"));
  return false;
}

bool CommandReader::message_id_and_delay(Words words, const CommandContext&) {
  const std::string_view id = words.has_next() ? words.take_next() : std::string_view();
  if (!words.has_next()) {
    refuse(ErrorCode::Invalid, "REQ insufficient number of params");
    return false;
  }
  if (!set_message_id(id)) return false;
  const std::string_view text = words.take_next();
  const auto milliseconds = parse_decimal(text);
  if (!milliseconds) {
    refuse(ErrorCode::Invalid, fmt::format("REQ could not parse timeout {}", text));
    return false;
  }
  command_.delay = std::clamp(Duration(wrapped_nanoseconds(*milliseconds)), Duration::zero(),
                              limits_.max_req_timeout);
  return true;
}

bool CommandReader::set_topic(std::string_view verb, std::string_view name) {
  command_.topic = name;
  if (is_valid_name(name)) return true;
  refuse(ErrorCode::BadTopic, fmt::format("{} topic name {} is not valid", verb, quote(name)));
  return false;
}

bool CommandReader::set_message_id(std::string_view text) {
  if (text.size() != kMessageIdBytes) {
    refuse(ErrorCode::Invalid, "invalid message ID");
    return false;
  }
  command_.id_text = text;
  command_.id = MessageId::parse(text);
  return true;
}

// Bodies

CommandReader::Outcome CommandReader::no_body(const Line& line) {
  return complete(line.bytes);
}

CommandReader::Outcome CommandReader::document(const Line& line) {
  if (line.input.size() < line.bytes + kSizeBytes)
    return missing(line.bytes + kSizeBytes, ErrorCode::BadBody, line, "failed to read body size");
  const auto size = load_big<std::int32_t>(line.input.data() + line.bytes);
  if (size > limits_.max_body_size)
    return refuse(ErrorCode::BadBody, fmt::format("{} body too big {} > {}", line.row.name, size,
                                                  limits_.max_body_size));
  if (size <= 0)
    return refuse(ErrorCode::BadBody, fmt::format("{} invalid body size {}", line.row.name, size));
  return whole_body(line, size, ErrorCode::BadBody, "failed to read body");
}

CommandReader::Outcome CommandReader::message(const Line& line) {
  if (line.input.size() < line.bytes + kSizeBytes)
    return missing(line.bytes + kSizeBytes, ErrorCode::BadMessage, line,
                   "failed to read message body size");
  const auto size = load_big<std::int32_t>(line.input.data() + line.bytes);
  if (size <= 0)
    return refuse(ErrorCode::BadMessage,
                  fmt::format("{} invalid message body size {}", line.row.name, size));
  if (size > limits_.max_msg_size)
    return refuse(ErrorCode::BadMessage, fmt::format("{} message too big {} > {}", line.row.name,
                                                     size, limits_.max_msg_size));
  return whole_body(line, size, ErrorCode::BadMessage, "failed to read message body");
}

CommandReader::Outcome CommandReader::whole_body(const Line& line, std::int64_t size,
                                                 ErrorCode code, std::string_view what) {
  const std::size_t begin = line.bytes + kSizeBytes;
  const std::size_t end = begin + static_cast<std::size_t>(size);
  if (line.input.size() < end) return missing(end, code, line, what);
  command_.body = line.input.substr(begin, end - begin);
  return complete(end);
}

CommandReader::Outcome CommandReader::batch(const Line& line) {
  const std::size_t begin = line.bytes + kSizeBytes;
  if (line.input.size() < begin)
    return missing(begin, ErrorCode::BadBody, line, "failed to read body size");
  const auto declared = load_big<std::int32_t>(line.input.data() + line.bytes);
  if (declared <= 0)
    return refuse(ErrorCode::BadBody, fmt::format("MPUB invalid body size {}", declared));
  if (declared > limits_.max_body_size)
    return refuse(ErrorCode::BadBody,
                  fmt::format("MPUB body too big {} > {}", declared, limits_.max_body_size));

  // Nothing else is made of the declared size, for there are clients that get it wrong: the batch
  // ends where its count and its sizes say so.
  const std::size_t messages = begin + kSizeBytes;
  if (line.input.size() < messages)
    return missing(messages, ErrorCode::BadBody, line, "failed to read message count");
  const auto count = load_big<std::int32_t>(line.input.data() + begin);
  // As many as the largest body could hold.
  if (count <= 0 || count > (limits_.max_body_size - 4) / std::int64_t{kLeastMessageBytes})
    return refuse(ErrorCode::BadBody, fmt::format("MPUB invalid message count {}", count));
  return batch_messages(line, messages, static_cast<std::size_t>(count));
}

// Lists the `count` messages that begin at `position`. What is asked for when they are not all
// there is the least that all of them can take, so that a batch which comes in small pieces is not
// walked through once for each.
CommandReader::Outcome CommandReader::batch_messages(const Line& line, std::size_t position,
                                                     std::size_t count) {
  messages_.clear();
  if (messages_.capacity() > kKeptMessages) messages_.shrink_to_fit();
  std::int64_t total = 0;
  for (std::size_t i = 0; i < count; ++i) {
    const std::size_t others = (count - i - 1) * kLeastMessageBytes;
    const std::size_t begin = position + kSizeBytes;
    if (line.input.size() < begin) {
      if (!at_end_) return missing(begin + 1 + others, ErrorCode::BadMessage, line, "");
      return refuse(ErrorCode::BadMessage,
                    fmt::format("MPUB failed to read message({}) body size", i));
    }
    const auto size = load_big<std::int32_t>(line.input.data() + position);
    if (size <= 0)
      return refuse(ErrorCode::BadMessage,
                    fmt::format("MPUB invalid message({}) body size {}", i, size));
    if (size > limits_.max_msg_size)
      return refuse(ErrorCode::BadMessage,
                    fmt::format("MPUB message too big {} > {}", size, limits_.max_msg_size));
    total += size;
    if (total > limits_.max_body_size)
      return refuse(ErrorCode::BadBody,
                    fmt::format("MPUB body too big {} > {}", total, limits_.max_body_size));
    const auto bytes = static_cast<std::size_t>(size);
    if (line.input.size() < begin + bytes)
      return missing(begin + bytes + others, ErrorCode::BadMessage, line,
                     "failed to read message body");
    messages_.push_back(line.input.substr(begin, bytes));
    position = begin + bytes;
  }
  command_.messages = messages_;
  return complete(position);
}

// Outcomes

CommandReader::Outcome CommandReader::complete(std::size_t consumed) {
  consumed_ = consumed;
  return Outcome::Command;
}

CommandReader::Outcome CommandReader::refuse(ErrorCode code, std::string text) {
  error_ = {code, std::move(text)};
  return Outcome::Error;
}

CommandReader::Outcome CommandReader::missing(std::size_t needed_bytes, ErrorCode code,
                                              const Line& line, std::string_view what) {
  if (at_end_) return refuse(code, fmt::format("{} {}", line.row.name, what));
  needed_bytes_ = needed_bytes;
  return Outcome::NeedMore;
}

}  // namespace nsq::protocol
