#include "utilities/http_target.h"

#include <algorithm>
#include <array>
#include <optional>
#include <string>

#include "http/credentials.h"
#include "http/percent.h"
#include "http/request.h"
#include "http/url.h"

namespace nsq::utilities {
namespace {

Error invalid(std::string reason) {
  return Error(make_error_code(std::errc::invalid_argument), std::move(reason));
}

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kSpace = " \t\r\n\v\f";
  const std::size_t begin = text.find_first_not_of(kSpace);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(kSpace) - begin + 1);
}

bool is_token(std::string_view text) {
  constexpr std::string_view kOthers = "!#$%&'*+-.^_`|~";
  return std::all_of(text.begin(), text.end(), [&](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           kOthers.find(c) != std::string_view::npos;
  });
}

bool has_control_characters(std::string_view text) {
  return std::any_of(text.begin(), text.end(), [](char c) {
    return (static_cast<unsigned char>(c) < 0x20 && c != '\t') || c == 0x7f;
  });
}

bool has_name(const HttpHeaders& headers, std::string_view name) {
  return std::any_of(headers.begin(), headers.end(),
                     [&](const auto& header) { return http::same_token(header.first, name); });
}

// The two sides of the one "%s".
std::optional<std::pair<std::string, std::string>> split_template(std::string_view text) {
  std::array<std::string, 2> sides;
  std::size_t side = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const std::string_view pair = text.substr(i, 2);
    if (pair == "%s") {
      if (++side == sides.size()) return std::nullopt;
    } else {
      sides[side] += text[i];
    }
    if (pair == "%s" || pair == "%%") ++i;
  }
  if (side == 0) return std::nullopt;
  return std::pair(sides[0], sides[1]);
}

// Moves a user's name and password from the URL to the headers.
void move_credentials(std::string& url, HttpHeaders& headers) {
  const std::string credentials = http::take_credentials(url);
  if (credentials.empty() || has_name(headers, "Authorization")) return;
  headers.emplace_back("Authorization", http::basic_authorization(credentials));
}

}  // namespace

Result<std::pair<std::string, std::string>> parse_header(std::string_view text) {
  const std::size_t colon = text.find(':');
  const std::string_view name = trimmed(text.substr(0, colon));
  const std::string_view value =
      colon == std::string_view::npos ? std::string_view() : trimmed(text.substr(colon + 1));
  if (name.empty() || value.empty()) {
    return invalid("--header value format should be 'key=value'");  // a colon is meant
  }
  if (!is_token(name) || has_control_characters(value)) {
    return invalid("--header is nothing a request can carry");
  }
  return std::pair(std::string(name), std::string(value));
}

void set_header(HttpHeaders& headers, std::string name, std::string value) {
  for (auto& [known, old_value] : headers) {
    if (!http::same_token(known, name)) continue;
    old_value = std::move(value);
    return;
  }
  headers.emplace_back(std::move(name), std::move(value));
}

HttpTarget::HttpTarget(bool posts, std::string before, std::string after, HttpHeaders headers)
    : posts_(posts),
      before_(std::move(before)),
      after_(std::move(after)),
      headers_(std::move(headers)) {}

Result<HttpTarget> HttpTarget::post(const std::string& url, HttpHeaders headers) {
  std::string plain = url;
  move_credentials(plain, headers);
  if (!http::parse_url(plain)) return invalid("invalid POST address - " + plain);
  return HttpTarget(true, std::move(plain), "", std::move(headers));
}

Result<HttpTarget> HttpTarget::get(const std::string& url, HttpHeaders headers) {
  std::string plain = url;
  move_credentials(plain, headers);
  auto sides = split_template(plain);
  if (!sides) return invalid("invalid GET address - must be a printf string");
  if (!http::parse_url(sides->first + sides->second)) {
    return invalid("invalid GET address - " + plain);
  }
  return HttpTarget(false, std::move(sides->first), std::move(sides->second), std::move(headers));
}

http::ClientRequest HttpTarget::request(std::string_view body) const {
  http::ClientRequest request;
  request.method = posts_ ? "POST" : "GET";
  request.url = before_;
  request.headers = headers_;
  // A message whose request fails is sent again: a target has to put up with it.
  request.is_repeatable = true;
  if (posts_) {
    request.body = body;
  } else {
    request.url.append(http::encode_query(body)).append(after_);
  }
  return request;
}

bool HttpTarget::is_success(int status) const {
  return posts_ ? status / 100 == 2 : status == 200;
}

std::string HttpTarget::name() const {
  return posts_ ? before_ : before_ + "%s" + after_;
}

}  // namespace nsq::utilities
