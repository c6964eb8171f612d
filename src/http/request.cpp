#include "http/request.h"

#include <algorithm>
#include <array>
#include <utility>

namespace nsq::http {
namespace {

constexpr std::array<std::pair<std::string_view, Method>, 6> kMethods{{{"GET", Method::Get},
                                                                       {"POST", Method::Post},
                                                                       {"PUT", Method::Put},
                                                                       {"DELETE", Method::Delete},
                                                                       {"OPTIONS", Method::Options},
                                                                       {"HEAD", Method::Head}}};

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

}  // namespace

Method parse_method(std::string_view text) {
  for (const auto& [name, method] : kMethods) {
    if (name == text) return method;
  }
  return Method::Other;
}

std::string_view to_text(Method method) {
  for (const auto& [name, known] : kMethods) {
    if (known == method) return name;
  }
  return "";
}

bool same_token(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](char x, char y) { return lower(x) == lower(y); });
}

std::optional<std::string_view> Request::header(std::string_view name) const {
  for (const Header& header : headers) {
    if (same_token(header.name, name)) return header.value;
  }
  return std::nullopt;
}

const Query* Request::query() const {
  if (query_state_ == QueryState::Unparsed) {
    query_state_ = query_.parse(raw_query) ? QueryState::Good : QueryState::Malformed;
  }
  return query_state_ == QueryState::Good ? &query_ : nullptr;
}

void Request::clear() {
  method = Method::Get;
  method_text = target = path = raw_query = body = {};
  headers.clear();
  path_arguments.clear();
  body_over_limit = false;
  query_state_ = QueryState::Unparsed;
}

}  // namespace nsq::http
