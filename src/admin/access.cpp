#include "admin/access.h"

#include <algorithm>
#include <string_view>

#include "net/address.h"

namespace nsq::admin {
namespace {

// "example.com:8080" of "https://example.com:8080".
std::string_view authority_of(std::string_view origin) {
  const std::size_t at = origin.find("://");
  return at == std::string_view::npos ? std::string_view() : origin.substr(at + 3);
}

int base64_digit(char c) {
  if (c >= 'A' && c <= 'Z') return c - 'A';
  if (c >= 'a' && c <= 'z') return c - 'a' + 26;
  if (c >= '0' && c <= '9') return c - '0' + 52;
  if (c == '+') return 62;
  if (c == '/') return 63;
  return -1;
}

// What precedes the first character that is not base64.
std::string decode_base64(std::string_view text) {
  std::string decoded;
  unsigned bits = 0;
  int count = 0;
  for (const char c : text) {
    const int digit = base64_digit(c);
    if (digit < 0) break;
    bits = (bits << 6 | static_cast<unsigned>(digit)) & 0xffffff;
    count += 6;
    if (count < 8) continue;
    count -= 8;
    decoded += static_cast<char>(bits >> count & 0xff);
  }
  return decoded;
}

}  // namespace

bool is_admin(const http::Request& request, const Options& options) {
  if (options.admin_users.empty()) return true;
  const std::string_view user = request.header(options.acl_http_header).value_or("");
  return std::find(options.admin_users.begin(), options.admin_users.end(), user) !=
         options.admin_users.end();
}

bool is_from_here(const http::Request& request) {
  if (const auto site = request.header("Sec-Fetch-Site")) {
    return *site == "same-origin" || *site == "none";
  }
  const auto origin = request.header("Origin");
  if (!origin) return true;
  const std::string_view authority = authority_of(*origin);
  return !authority.empty() &&
         (http::same_token(authority, request.header("Host").value_or("")) ||
          http::same_token(authority, request.header("X-Forwarded-Host").value_or("")));
}

ConfigAccess config_access(const http::Request& request,
                           const std::optional<net::AddressRange>& range) {
  if (!range) return ConfigAccess::Allowed;
  const auto address = net::Address::parse(request.remote);
  if (!address.is_tcp()) return ConfigAccess::BadAddress;
  return range->contains(address.host()) ? ConfigAccess::Allowed : ConfigAccess::Forbidden;
}

std::string basic_user(const http::Request& request) {
  constexpr std::string_view kScheme = "Basic ";
  const std::string_view header = request.header("Authorization").value_or("");
  if (header.size() <= kScheme.size() ||
      !http::same_token(header.substr(0, kScheme.size()), kScheme)) {
    return "";
  }
  const std::string decoded = decode_base64(header.substr(kScheme.size()));
  const std::size_t colon = decoded.find(':');
  return colon == std::string::npos ? "" : decoded.substr(0, colon);
}

}  // namespace nsq::admin
