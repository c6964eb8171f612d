#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

// The protocol between a daemon and a lookupd, version 1: command lines one way, answers the other.
// An answer is a big-endian length and that many bytes; an error looks like any other answer and is
// known by its text, which starts with "E_".
namespace nsq::protocol {

// The first four bytes of a daemon's connection.
inline constexpr std::string_view kMagicV1 = "  V1";

// How a server introduces itself: a daemon in its IDENTIFY, a lookupd in the answer.
struct PeerIdentity {
  std::string broadcast_address{};  // where others reach it
  std::string hostname{};
  std::int64_t tcp_port = 0;
  std::int64_t http_port = 0;
  std::string version{};
  std::string topology_zone{};  // of daemons only
  std::string topology_region{};

  friend bool operator==(const PeerIdentity&, const PeerIdentity&) = default;
};

// Decodes an introduction, by the rules of `parse_identify`; members may be missing.
// Empty if it cannot be decoded.
std::optional<PeerIdentity> parse_peer_identity(std::string_view json);
// A daemon's introduction, with all members.
std::string encode_daemon_identity(const PeerIdentity& identity);
// A lookupd's, which has no topology.
std::string encode_lookupd_identity(const PeerIdentity& identity);

// Reads a lookupd's answer to GET /channels, {"channels":[...]}: the valid names among them.
// Empty if it is not such an answer.
std::optional<std::vector<std::string>> parse_channels_answer(std::string_view json);

inline constexpr std::size_t kAnswerSizeBytes = 4;

// Appends one answer to `out`.
void append_answer(std::string& out, std::string_view data);

// Takes answers apart as they arrive. It keeps no place of its own: the caller hands in what it has
// not consumed yet.
//
// Threading: immutable.
class AnswerReader {
 public:
  enum class Outcome { Answer, NeedMore, BadSize };
  struct Reading {
    Outcome outcome = Outcome::NeedMore;
    std::string_view data{};   // of an answer: a view of the input
    std::size_t consumed = 0;  // where the next one begins
  };

  // Longer answers are refused as soon as their length is known.
  explicit AnswerReader(std::size_t limit_bytes) : limit_bytes_(limit_bytes) {}

  Reading read(std::string_view input) const;

 private:
  const std::size_t limit_bytes_;
};

}  // namespace nsq::protocol
