#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "http/query.h"

namespace nsq::http {

// Other is any method no route can have; it is refused, or ignored, by the router.
enum class Method { Get, Post, Put, Delete, Options, Head, Other };

Method parse_method(std::string_view text);  // exact: methods are case-sensitive
std::string_view to_text(Method method);     // "GET"; "" for Other

struct Header {
  std::string_view name, value;  // the name as sent; the value without surrounding space
};

// One request. The views point into the connection's buffer and stay valid until the request is
// answered.
//
// Threading: confined.
class Request {
 public:
  Method method = Method::Get;
  std::string_view method_text;
  std::string_view target;     // as it stands in the request line
  std::string_view path;       // percent-decoded
  std::string_view raw_query;  // what follows '?', as sent
  std::vector<Header> headers;
  std::string_view body;
  // The body is longer than its route allows: it was not read, or not kept, and `body` is empty.
  bool body_over_limit = false;
  // What the ':name' segments of the route's pattern stand for, in their order.
  std::vector<std::string_view> path_arguments;
  std::string_view remote;  // "127.0.0.1:41234"

  // The value of the first header of this name, in any letter case.
  std::optional<std::string_view> header(std::string_view name) const;

  // The query parameters; null if the query string is malformed. Parsed when first asked for.
  const Query* query() const;

  // Forgets everything but the remote address, to be filled again.
  void clear();

 private:
  enum class QueryState { Unparsed, Good, Malformed };
  mutable Query query_;
  mutable QueryState query_state_ = QueryState::Unparsed;
};

// Whether two header names, or two tokens such as "close", are the same: letter case aside.
bool same_token(std::string_view a, std::string_view b);

}  // namespace nsq::http
