#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>

#include "http/request.h"

namespace nsq::http {

struct ParserLimits {
  std::size_t head_bytes = 1 << 20;  // request line and headers
  std::size_t header_count = 1000;
  // How much of a body that is too long is read away so that the connection can be kept.
  std::size_t drained_bytes = 256 << 10;
};

// Reads requests out of a connection's bytes, in whatever pieces they come.
//
//   for (;;) {
//     switch (parser.advance()) {
//       case NeedInput:    read into parser.room(), tell parser.received()
//       case Head:         look at parser.request(), then parser.limit_body()
//       case Complete:     answer parser.request(); the next advance() begins the next one
//       otherwise          answer and end the connection
//     }
//   }
//
// It owns the buffer the bytes are read into; a request's views point into it. Bodies are put
// together there, so a chunked one is in one piece too.
//
// Threading: confined.
class RequestParser {
 public:
  enum class Event {
    NeedInput,    // all bytes given are used up
    Head,         // the head of `request` is complete, its body is still to come
    Complete,     // all of `request` is
    BodyTooLong,  // more over the limit than is worth reading; `request` is complete without body
    BadHead,      // no HTTP request, or one over the limits: `refusal` says what to answer
    BadBody,      // the body's chunks are broken
  };

  explicit RequestParser(ParserLimits limits);
  ~RequestParser();
  RequestParser(const RequestParser&) = delete;
  RequestParser& operator=(const RequestParser&) = delete;

  // Where the next bytes go, never empty. Moves what `request` points to, which counts only between
  // Head and Complete.
  std::span<char> room();
  void received(std::size_t bytes);

  // After BadHead, BadBody and BodyTooLong there is no going on.
  Event advance();

  Request& request() { return request_; }
  const Request& request() const { return request_; }

  // At Head: the longest body to keep; longer ones are read away. The default is 0.
  void limit_body(std::size_t bytes) { body_limit_ = bytes; }

  // From Head on.
  std::optional<std::uint64_t> declared_length() const { return declared_length_; }
  bool has_body() const { return is_chunked_ || declared_length_.value_or(0) > 0; }
  bool expects_continue() const { return expects_continue_; }
  bool keep_alive() const { return keep_alive_; }
  int minor_version() const { return minor_version_; }

  // Whether no byte of another request has come yet.
  bool is_between_requests() const;
  bool is_in_body() const { return phase_ == Phase::Body; }

  struct Refusal {
    int status;
    std::string_view text;
  };
  const Refusal& refusal() const { return refusal_; }

 private:
  struct Machine;  // llhttp's parser, its callbacks and the places it found, see the source
  enum class Phase { Start, Head, Body, Complete, Broken };

  Event begin_message();
  Event read_method();
  Event run_machine();
  Event finish_head();
  Event finish_message(Event event);
  Event refuse(int status, std::string_view text);
  bool check_expectation();
  bool set_target(std::string_view target);
  void point_into_buffer();
  void drop_used_body_bytes();

  const ParserLimits limits_;
  std::unique_ptr<Machine> machine_;
  Phase phase_ = Phase::Start;
  Request request_;
  std::string decoded_path_;  // where the path has escapes
  std::size_t body_limit_ = 0;
  std::optional<std::uint64_t> declared_length_;
  bool is_chunked_ = false;
  bool expects_continue_ = false;
  bool keep_alive_ = true;
  int minor_version_ = 1;
  Refusal refusal_{};
};

}  // namespace nsq::http
