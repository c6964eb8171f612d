#include "utilities/bench/answers.h"

#include <fmt/format.h>

#include "nsq/client_error.h"
#include "protocol/frame.h"

namespace nsq::utilities {
namespace {
constexpr std::size_t kMaxResponseBytes = std::size_t{64} << 10;
}

Result<AnswerReader::Answers> FrameAnswerReader::take(Link& link) {
  Answers answers;
  std::string_view rest = link.bytes();
  const std::size_t received = rest.size();
  auto outcome = frames_.read(rest);
  for (; outcome == protocol::FrameReader::Outcome::Frame; outcome = frames_.read(rest)) {
    const protocol::Frame& frame = frames_.frame();
    if (frame.is(protocol::FrameType::Response) && frame.data == "OK") {
      ++answers.done;
    } else if (frame.is(protocol::FrameType::Response) && frame.data == protocol::kHeartbeat) {
      ++answers.heartbeats;
    } else {
      return link.failure(ClientErrc::Refused, fmt::format("the daemon answered {}", frame.data));
    }
    rest.remove_prefix(frame.consumed);
  }
  if (outcome == protocol::FrameReader::Outcome::BadSize) {
    return link.failure(ClientErrc::NotNsq, "a frame of an impossible size");
  }
  link.take(received - rest.size());
  return answers;
}

Result<AnswerReader::Answers> HttpAnswerReader::take(Link& link) {
  const std::string_view bytes = link.bytes();
  if (current_.empty() && bytes == last_) {
    link.take(bytes.size());
    return Answers{.done = 1};
  }
  if (current_.empty()) parser_ = std::make_unique<http::ResponseParser>(kMaxResponseBytes);
  current_.append(bytes);
  const http::ResponseParser::Event event = parser_->feed(bytes);
  link.take(bytes.size());
  if (event == http::ResponseParser::Event::NeedInput) return Answers{};
  if (event != http::ResponseParser::Event::Complete) {
    return link.failure(ClientErrc::NotNsq, "the answer is no HTTP response");
  }
  const http::ClientResponse& response = parser_->response();
  if (response.status != 200) {
    return link.failure(ClientErrc::Refused,
                        fmt::format("the daemon answered {} {}", response.status, response.body));
  }
  if (!parser_->keep_alive()) {
    return link.failure(ClientErrc::Disconnected, "the daemon ends the connection after a request");
  }
  last_ = std::move(current_);
  current_.clear();
  return Answers{.done = 1};
}

}  // namespace nsq::utilities
