#include "http/credentials.h"

#include <algorithm>
#include <cstddef>

#include "http/percent.h"

namespace nsq::http {
namespace {

std::string encode_base64(std::string_view bytes) {
  constexpr std::string_view kDigits =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string text;
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    const std::size_t count = std::min<std::size_t>(3, bytes.size() - i);
    unsigned bits = 0;
    for (std::size_t j = 0; j < 3; ++j) {
      bits = bits << 8 | (j < count ? static_cast<unsigned char>(bytes[i + j]) : 0U);
    }
    for (std::size_t j = 0; j < 4; ++j) {
      text += j <= count ? kDigits[bits >> (18 - 6 * j) & 63] : '=';
    }
  }
  return text;
}

}  // namespace

std::string take_credentials(std::string& url) {
  const std::size_t scheme = url.find("://");
  if (scheme == std::string::npos) return "";
  const std::size_t begin = scheme + 3;
  const std::size_t at = url.find('@', begin);
  if (at == std::string::npos || at > url.find_first_of("/?#", begin)) return "";
  std::string credentials = url.substr(begin, at - begin);
  url.erase(begin, at + 1 - begin);
  return credentials;
}

std::string basic_authorization(std::string_view credentials) {
  std::string plain;
  if (!percent_decode(credentials, Plus::Literal, plain)) plain = credentials;
  return "Basic " + encode_base64(plain);
}

}  // namespace nsq::http
