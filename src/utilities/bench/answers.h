#pragma once

#include <cstddef>
#include <memory>
#include <string>

#include "http/response_parser.h"
#include "nsq/result.h"
#include "protocol/frame_reader.h"
#include "utilities/bench/link.h"

namespace nsq::utilities {

// What a daemon says to those who publish.
//
// Threading: confined.
class AnswerReader {
 public:
  struct Answers {
    std::size_t done = 0;  // commands that succeeded
    std::size_t heartbeats = 0;
  };

  virtual ~AnswerReader() = default;
  // Takes what is complete of what the link has received.
  // Errors: Refused, with what the daemon answered; NotNsq.
  virtual Result<Answers> take(Link& link) = 0;
};

class FrameAnswerReader final : public AnswerReader {
 public:
  Result<Answers> take(Link& link) override;

 private:
  protocol::FrameReader frames_{std::size_t{1} << 20};
};

// For one outstanding request at a time. A daemon says the same each time, for a second at least:
// what is the same is not taken apart again.
class HttpAnswerReader final : public AnswerReader {
 public:
  Result<Answers> take(Link& link) override;

 private:
  std::string current_;  // of the answer that is coming
  std::string last_;     // a whole one, with status 200
  std::unique_ptr<http::ResponseParser> parser_;
};

}  // namespace nsq::utilities
