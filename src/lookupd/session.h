#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "base/instant.h"
#include "lookupd/options.h"
#include "lookupd/registry.h"
#include "protocol/error_code.h"

namespace nsq::lookupd {

// One daemon's conversation, without its socket: bytes in, bytes out.
//
//   magic, then lines: IDENTIFY (with a body), REGISTER, UNREGISTER, PING. Every error is fatal.
//
// The daemon is in the registry from its IDENTIFY until the session is destroyed.
//
// Threading: confined, with the registry, which outlives it.
class Session {
 public:
  // `own_identity` is the answer to IDENTIFY; `remote` the far end's address, which becomes the
  // peer's id. All but `remote` outlive the session.
  Session(Registry& registry, const Limits& limits, const std::string& own_identity,
          std::string remote);
  ~Session();
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  // Executes what is complete at the beginning of `input` and appends the answers to `out`.
  // Returns how much of it is done with; the rest is to come again, with more behind it. What it
  // leaves is never longer than the limits on lines and bodies allow.
  std::size_t on_input(std::string_view input, Moment now, std::string& out);
  // Nothing comes behind `rest`, which `on_input` left: says what is missing, if that is worth it.
  void on_end(std::string_view rest, std::string& out);

  // An error was answered: nothing more is to be read, and the connection closed.
  bool is_over() const { return state_ == State::Over; }
  bool is_introduced() const { return peer_.has_value(); }

 private:
  enum class State { Greeting, Commands, Over };
  struct Line {
    std::string_view verb, topic, channel;
    std::size_t words = 0;
    std::size_t bytes = 0;  // with its end
  };

  static Line split(std::string_view input, std::size_t newline);

  std::size_t greet(std::string_view input, std::string& out);
  std::size_t execute(std::string_view input, Moment now, std::string& out);
  std::size_t identify(const Line& line, std::string_view input, Moment now, std::string& out);
  void introduce(std::string_view body, Moment now, std::string& out);
  void register_names(const Line& line, std::string& out);
  void unregister_names(const Line& line, std::string& out);
  void ping(Moment now, std::string& out);
  bool check_names(const Line& line, std::string& out);
  void refuse(protocol::ErrorCode code, std::string text, std::string& out);

  Registry& registry_;
  const Limits& limits_;
  const std::string& own_identity_;
  const std::string remote_;
  State state_ = State::Greeting;
  std::optional<Registry::PeerNumber> peer_;
};

}  // namespace nsq::lookupd
