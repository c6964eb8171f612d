#include "lookupd/session.h"

#include <fmt/format.h>

#include <utility>

#include "base/bytes.h"
#include "base/duration_text.h"
#include "base/log.h"
#include "protocol/discovery.h"
#include "protocol/names.h"

namespace nsq::lookupd {
namespace {

using protocol::ErrorCode;

constexpr std::size_t kSizeBytes = 4;
constexpr std::int64_t kMaxPort = 65'535;

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kSpace = " \t\n\v\f\r";
  const std::size_t begin = text.find_first_not_of(kSpace);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(kSpace) - begin + 1);
}

std::string_view take_word(std::string_view& text) {
  const std::size_t space = text.find(' ');
  const std::string_view word = text.substr(0, space);
  text.remove_prefix(space == std::string_view::npos ? text.size() : space + 1);
  return word;
}

}  // namespace

Session::Session(Registry& registry, const Limits& limits, const std::string& own_identity,
                 std::string remote)
    : registry_(registry),
      limits_(limits),
      own_identity_(own_identity),
      remote_(std::move(remote)) {}

Session::~Session() {
  if (!peer_) return;
  log::info("CLIENT({}): closing", remote_);
  registry_.remove_peer(*peer_);
}

std::size_t Session::on_input(std::string_view input, Moment now, std::string& out) {
  std::size_t done = 0;
  while (state_ != State::Over) {
    const std::string_view rest = input.substr(done);
    const std::size_t used = state_ == State::Greeting ? greet(rest, out) : execute(rest, now, out);
    if (used == 0) break;
    done += used;
  }
  return done;
}

std::size_t Session::greet(std::string_view input, std::string& out) {
  const std::string_view magic = input.substr(0, protocol::kMagicV1.size());
  if (magic.size() < protocol::kMagicV1.size()) return 0;
  log::info("CLIENT({}): desired protocol magic '{}'", remote_, magic);
  if (magic == protocol::kMagicV1) {
    state_ = State::Commands;
  } else {
    refuse(ErrorCode::BadProtocol, "", out);
  }
  return magic.size();
}

// --- commands ----------------------------------------------------------------------------------

Session::Line Session::split(std::string_view input, std::size_t newline) {
  Line line;
  line.bytes = newline + 1;
  std::string_view text = trimmed(input.substr(0, newline));
  line.words = 1;
  for (const char c : text) line.words += c == ' ' ? 1 : 0;
  line.verb = take_word(text);
  line.topic = take_word(text);
  line.channel = take_word(text);
  return line;
}

// How much of the input the command took; 0 if it is not complete.
std::size_t Session::execute(std::string_view input, Moment now, std::string& out) {
  const std::size_t newline = input.substr(0, limits_.line_bytes).find('\n');
  if (newline == std::string_view::npos) {
    if (input.size() >= limits_.line_bytes) {
      refuse(ErrorCode::Invalid, fmt::format("line exceeds {} bytes", limits_.line_bytes), out);
    }
    return 0;
  }
  const Line line = split(input, newline);
  if (line.verb == "IDENTIFY") return identify(line, input, now, out);
  if (line.verb == "REGISTER") {
    register_names(line, out);
  } else if (line.verb == "UNREGISTER") {
    unregister_names(line, out);
  } else if (line.verb == "PING") {
    ping(now, out);
  } else {
    refuse(ErrorCode::Invalid, fmt::format("invalid command {}", line.verb), out);
  }
  return line.bytes;
}

std::size_t Session::identify(const Line& line, std::string_view input, Moment now,
                              std::string& out) {
  if (peer_) {
    refuse(ErrorCode::Invalid, "cannot IDENTIFY again", out);
    return 0;
  }
  input.remove_prefix(line.bytes);
  if (input.size() < kSizeBytes) return 0;
  const auto size = load_big<std::int32_t>(input.data());
  if (size < 0) {
    refuse(ErrorCode::BadBody, fmt::format("IDENTIFY invalid body size {}", size), out);
    return 0;
  }
  const auto body_bytes = static_cast<std::size_t>(size);
  if (body_bytes > limits_.identify_bytes) {
    refuse(ErrorCode::BadBody,
           fmt::format("IDENTIFY body too big {} > {}", size, limits_.identify_bytes), out);
    return 0;
  }
  input.remove_prefix(kSizeBytes);
  if (input.size() < body_bytes) return 0;
  introduce(input.substr(0, body_bytes), now, out);
  return line.bytes + kSizeBytes + body_bytes;
}

void Session::introduce(std::string_view body, Moment now, std::string& out) {
  auto identity = protocol::parse_peer_identity(body);
  if (!identity) return refuse(ErrorCode::BadBody, "IDENTIFY failed to decode JSON body", out);
  if (identity->broadcast_address.empty() || identity->version.empty() || identity->tcp_port == 0 ||
      identity->http_port == 0) {
    return refuse(ErrorCode::BadBody, "IDENTIFY missing fields", out);
  }
  for (const std::int64_t port : {identity->tcp_port, identity->http_port}) {
    if (port < 0 || port > kMaxPort) {
      return refuse(ErrorCode::BadBody, fmt::format("IDENTIFY invalid port {}", port), out);
    }
  }
  log::info("CLIENT({}): IDENTIFY Address:{} TCP:{} HTTP:{} Version:{}", remote_,
            identity->broadcast_address, identity->tcp_port, identity->http_port,
            identity->version);
  peer_ = registry_.add_peer(remote_, std::move(*identity), now).number;
  log::info("DB: client({}) REGISTER category:client key: subkey:", remote_);
  protocol::append_answer(out, own_identity_);
}

bool Session::check_names(const Line& line, std::string& out) {
  if (!peer_) {
    refuse(ErrorCode::Invalid, "client must IDENTIFY", out);
  } else if (line.words < 2) {
    refuse(ErrorCode::Invalid, fmt::format("{} insufficient number of params", line.verb), out);
  } else if (!protocol::is_valid_name(line.topic)) {
    refuse(ErrorCode::BadTopic,
           fmt::format("{} topic name '{}' is not valid", line.verb, line.topic), out);
  } else if (!line.channel.empty() && !protocol::is_valid_name(line.channel)) {
    refuse(ErrorCode::BadChannel,
           fmt::format("{} channel name '{}' is not valid", line.verb, line.channel), out);
  }
  return !is_over();
}

void Session::register_names(const Line& line, std::string& out) {
  if (!check_names(line, out)) return;
  const Registry::Added added = registry_.add(*peer_, line.topic, line.channel);
  if (added.channel) {
    log::info("DB: client({}) REGISTER category:channel key:{} subkey:{}", remote_, line.topic,
              line.channel);
  }
  if (added.topic) {
    log::info("DB: client({}) REGISTER category:topic key:{} subkey:", remote_, line.topic);
  }
  if (added.too_many) return refuse(ErrorCode::Invalid, "REGISTER too many registrations", out);
  protocol::append_answer(out, "OK");
}

void Session::unregister_names(const Line& line, std::string& out) {
  if (!check_names(line, out)) return;
  if (registry_.remove(*peer_, line.topic, line.channel)) {
    log::info("DB: client({}) UNREGISTER category:{} key:{} subkey:{}", remote_,
              line.channel.empty() ? "topic" : "channel", line.topic, line.channel);
  }
  protocol::append_answer(out, "OK");
}

void Session::ping(Moment now, std::string& out) {
  if (peer_) {
    Registry::Peer& peer = registry_.peer(*peer_);
    log::info("CLIENT({}): pinged (last ping {})", remote_,
              duration_text(now.steady - peer.last_update.steady));
    peer.last_update = now;
  }
  protocol::append_answer(out, "OK");
}

// --- ends --------------------------------------------------------------------------------------

void Session::on_end(std::string_view rest, std::string& out) {
  if (state_ != State::Commands) return;
  const std::size_t newline = rest.find('\n');
  if (newline == std::string_view::npos || split(rest, newline).verb != "IDENTIFY") return;
  const bool has_size = rest.size() - newline - 1 >= kSizeBytes;
  refuse(ErrorCode::BadBody,
         has_size ? "IDENTIFY failed to read body" : "IDENTIFY failed to read body size", out);
}

void Session::refuse(protocol::ErrorCode code, std::string text, std::string& out) {
  const std::string answer = protocol::ProtocolError{code, std::move(text)}.to_string();
  log::error("[{}] - {}", remote_, answer);
  protocol::append_answer(out, answer);
  state_ = State::Over;
}

}  // namespace nsq::lookupd
