#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace nsq::http {

// A server's answer, as a client gets it.
struct ClientResponse {
  int status = 0;
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;

  // The value of the first header of this name, in any letter case.
  std::optional<std::string_view> header(std::string_view name) const;
};

// Reads one response out of a connection's bytes, in whatever pieces they come. Interim responses
// (100 Continue) are passed over.
//
// Threading: confined.
class ResponseParser {
 public:
  enum class Event {
    NeedInput,
    Complete,  // `response` is there; what follows it is not looked at
    Broken,    // no HTTP response
    TooLong,   // over the limit
  };

  // The limit is for body and headers, each. A body that is not kept is read over, however long.
  explicit ResponseParser(std::size_t limit_bytes, bool keeps_body = true);
  ~ResponseParser();
  ResponseParser(const ResponseParser&) = delete;
  ResponseParser& operator=(const ResponseParser&) = delete;

  Event feed(std::string_view bytes);
  // The connection has ended, which is how some servers end a body. Never NeedInput.
  Event end();

  const ClientResponse& response() const { return response_; }
  ClientResponse take_response() { return std::move(response_); }
  // Whether the connection can be used again, once the response is complete: not if the server has
  // said otherwise, or sent more than the response.
  bool keep_alive() const { return keep_alive_ && !has_rest_; }

 private:
  struct Machine;  // llhttp's parser

  const std::size_t limit_bytes_;
  const bool keeps_body_;
  std::unique_ptr<Machine> machine_;
  ClientResponse response_;
  std::size_t head_bytes_ = 0;
  bool in_value_ = false;
  bool is_complete_ = false;
  bool is_too_long_ = false;
  bool keep_alive_ = false;
  bool has_rest_ = false;
};

}  // namespace nsq::http
