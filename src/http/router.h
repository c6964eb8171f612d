#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "http/exchange.h"

namespace nsq::http {

struct RouteOptions {
  // The longest body the handler wants to see. A longer one is not kept and the request says so
  // (`body_over_limit`); with 0, for handlers that want none, whatever comes is skipped.
  std::size_t body_limit = 0;
  bool is_logged = true;  // one line per request at level INFO
};

struct Route {
  Method method;
  std::string pattern;  // "/topic/create", "/config/:opt"
  std::vector<std::string> segments;
  Handler handler;
  RouteOptions options;
};

// Which handler answers which method and path, and what those get that no handler answers:
// redirects to the nearest right spelling, OPTIONS, 405 and 404, as NSQ's daemons give them.
//
// A pattern is a path in which a ':name' segment stands for exactly one non-empty segment. Paths
// are compared percent-decoded and case-sensitively.
//
// Threading: immutable once it serves; routes are added before.
class Router {
 public:
  Router() = default;
  Router(const Router&) = delete;
  Router& operator=(const Router&) = delete;

  void add(Method method, std::string_view pattern, Handler handler, RouteOptions options = {});
  // Whatever is asked for, by any method, goes to this handler.
  void answer_everything(Handler handler, RouteOptions options = {});

  // The route for exactly this method and path, or null. `arguments` receives what its ':name'
  // segments stand for, as views of `path`.
  const Route* find(Method method, std::string_view path,
                    std::vector<std::string_view>& arguments) const;

  // Answers a request for which `find` found nothing.
  void answer_unrouted(const Request& request, Response& response) const;

 private:
  std::optional<std::string> corrected_path(Method method, std::string_view path) const;
  std::string allowed_methods(std::string_view path) const;

  std::vector<std::unique_ptr<Route>> routes_;
  std::vector<const Route*> with_arguments_;
  std::map<std::string, const Route*, std::less<>> exact_[6];  // by Method, without Other
  std::unique_ptr<Route> everything_;
};

// The shortest equivalent of a path: one '/' where there are several, '.' and '..' resolved, a '/'
// at the start; a '/' at the end stays.
std::string clean_path(std::string_view path);

}  // namespace nsq::http
