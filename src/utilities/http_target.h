#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "http/client.h"
#include "nsq/result.h"

namespace nsq::utilities {

using HttpHeaders = std::vector<std::pair<std::string, std::string>>;

// "Name: value", taken apart at the first colon; both parts without the space around them, and not
// empty. Errors: that it is not so, or nothing a request can carry.
Result<std::pair<std::string, std::string>> parse_header(std::string_view text);

// Sets a header, in the place of one of the same name.
void set_header(HttpHeaders& headers, std::string name, std::string value);

// Where messages are sent: with POST as the request's body; with GET in place of the one "%s" of
// the URL, encoded as in a form. "%%" in such a URL stands for '%', and other '%' for themselves.
// A user's name and password in the URL become a header.
//
// Threading: immutable.
class HttpTarget {
 public:
  // Errors: no URL of http or https; not one "%s".
  static Result<HttpTarget> post(const std::string& url, HttpHeaders headers);
  static Result<HttpTarget> get(const std::string& url, HttpHeaders headers);

  http::ClientRequest request(std::string_view body) const;
  // Whether the status means that the message has arrived: 2xx for POST, and 200 for GET.
  bool is_success(int status) const;
  bool is_https() const { return before_.starts_with("https:"); }
  // The URL as it was given, but for a password.
  std::string name() const;

 private:
  HttpTarget(bool posts, std::string before, std::string after, HttpHeaders headers);

  bool posts_;
  std::string before_;  // of the URL, up to where the message goes
  std::string after_;   // the rest of it
  HttpHeaders headers_;
};

}  // namespace nsq::utilities
