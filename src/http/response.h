#pragma once

#include <string>
#include <string_view>

namespace nsq::http {

inline constexpr std::string_view kTextPlain = "text/plain; charset=utf-8";
inline constexpr std::string_view kTextHtml = "text/html; charset=utf-8";
inline constexpr std::string_view kJson = "application/json; charset=utf-8";

// What a handler answers. Kept for reuse: a short answer allocates nothing.
//
// NSQ has two ways to answer. Nearly everything goes through the first, "V1": it carries the header
// X-Nsq-Content-Type, structured values and errors are JSON. The second is plain text.
//
// Threading: confined.
class Response {
 public:
  int status = 200;
  std::string_view content_type;  // "" for none; of static storage
  bool is_v1 = true;
  std::string body;
  std::string headers;  // further ones, each as "Name: value\r\n"
  bool close = false;   // end the connection after this answer

  // V1: 200 with text as it is; without any, also without a content type.
  void text(std::string_view text);
  // V1: 200 with JSON text.
  void json(std::string text);
  // V1: {"message":"CODE"}.
  void error(int status, std::string_view code);
  // Plain: a status and a text.
  void plain(int status, std::string_view text);

  void add_header(std::string_view name, std::string_view value);
  // Back to an empty 200, keeping memory.
  void clear();
};

// "Not Found" for 404; "Status 599" for a number without a name.
std::string_view reason_phrase(int status);

struct Framing {
  int minor_version = 1;      // of the request's HTTP version
  bool without_body = false;  // the answer to HEAD: the length is told, the body is not sent
  bool keep_alive = true;
};

// Appends the response as it goes over the wire, always with a Content-Length.
void append_response(const Response& response, Framing framing, std::string& out);

}  // namespace nsq::http
