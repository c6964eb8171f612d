#include "http/router.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/assert.h"
#include "http/percent.h"

namespace nsq::http {
namespace {

constexpr Method kRoutable[] = {Method::Delete,  Method::Get,  Method::Head,
                                Method::Options, Method::Post, Method::Put};

std::vector<std::string_view> split(std::string_view path) {
  std::vector<std::string_view> segments;
  path.remove_prefix(1);
  for (;;) {
    const std::size_t slash = path.find('/');
    segments.push_back(path.substr(0, slash));
    if (slash == std::string_view::npos) return segments;
    path.remove_prefix(slash + 1);
  }
}

bool is_argument(std::string_view segment) {
  return segment.starts_with(':');
}

// Whether `path` has the route's shape. Allocates nothing: it runs for every request.
bool matches(const Route& route, std::string_view path, std::vector<std::string_view>& arguments) {
  if (!path.starts_with('/')) return false;
  arguments.clear();
  for (std::size_t i = 0; i < route.segments.size(); ++i) {
    path.remove_prefix(1);
    const std::string_view segment = path.substr(0, path.find('/'));
    path.remove_prefix(segment.size());
    if (path.empty() != (i + 1 == route.segments.size())) return false;
    if (is_argument(route.segments[i])) {
      if (segment.empty()) return false;
      arguments.push_back(segment);
    } else if (segment != route.segments[i]) {
      return false;
    }
  }
  return true;
}

// The route's own spelling of `path` if they differ at most in letter case and a final '/'.
std::optional<std::string> respelled(const Route& route, std::string_view path) {
  auto wanted = split(path);
  std::vector<std::string_view> own(route.segments.begin(), route.segments.end());
  const bool ends_in_slash = own.back().empty();
  if (ends_in_slash) own.pop_back();
  if (!wanted.empty() && wanted.back().empty()) wanted.pop_back();
  if (own.size() != wanted.size()) return std::nullopt;
  std::string spelling;
  for (std::size_t i = 0; i < own.size(); ++i) {
    if (!is_argument(own[i]) && !same_token(own[i], wanted[i])) return std::nullopt;
    spelling.append("/").append(is_argument(own[i]) ? wanted[i] : own[i]);
  }
  if (ends_in_slash) spelling += '/';
  return spelling;
}

std::string html_escape(std::string_view text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&#34;";
        break;
      case '\'':
        out += "&#39;";
        break;
      default:
        out += c;
    }
  }
  return out;
}

void redirect(const Request& request, std::string_view path, Response& response) {
  std::string location = encode_path(path);
  if (!request.raw_query.empty()) location.append("?").append(request.raw_query);
  response.clear();
  response.is_v1 = false;
  response.status = request.method == Method::Get ? 301 : 307;
  response.add_header("Location", location);
  if (request.method == Method::Get) {
    response.content_type = kTextHtml;
    response.body = fmt::format("<a href=\"{}\">{}</a>.\n\n", html_escape(location),
                                reason_phrase(response.status));
  }
}

}  // namespace

std::string clean_path(std::string_view path) {
  std::vector<std::string_view> kept;
  const bool ends_in_slash = path.ends_with('/') || path.ends_with("/.") || path.ends_with("/..");
  while (!path.empty()) {
    const std::size_t slash = path.find('/');
    const std::string_view segment = path.substr(0, slash);
    path.remove_prefix(slash == std::string_view::npos ? path.size() : slash + 1);
    if (segment == "..") {
      if (!kept.empty()) kept.pop_back();
    } else if (!segment.empty() && segment != ".") {
      kept.push_back(segment);
    }
  }
  std::string cleaned;
  for (const std::string_view segment : kept) cleaned.append("/").append(segment);
  if (ends_in_slash || cleaned.empty()) cleaned += '/';
  return cleaned;
}

void Router::add(Method method, std::string_view pattern, Handler handler, RouteOptions options) {
  NSQ_ASSERT(pattern.starts_with('/') && method != Method::Other);
  auto route = std::make_unique<Route>();
  route->method = method;
  route->pattern = pattern;
  for (const std::string_view segment : split(pattern)) route->segments.emplace_back(segment);
  route->handler = std::move(handler);
  route->options = options;
  if (std::any_of(route->segments.begin(), route->segments.end(), is_argument)) {
    with_arguments_.push_back(route.get());
  } else {
    exact_[static_cast<std::size_t>(method)].emplace(pattern, route.get());
  }
  routes_.push_back(std::move(route));
}

void Router::answer_everything(Handler handler, RouteOptions options) {
  everything_ = std::make_unique<Route>();
  everything_->handler = std::move(handler);
  everything_->options = options;
}

const Route* Router::find(Method method, std::string_view path,
                          std::vector<std::string_view>& arguments) const {
  arguments.clear();
  if (everything_) return everything_.get();
  if (method == Method::Other) return nullptr;
  const auto& exact = exact_[static_cast<std::size_t>(method)];
  if (const auto found = exact.find(path); found != exact.end()) return found->second;
  for (const Route* route : with_arguments_) {
    if (route->method == method && matches(*route, path, arguments)) return route;
  }
  arguments.clear();
  return nullptr;
}

std::optional<std::string> Router::corrected_path(Method method, std::string_view path) const {
  if (!path.starts_with('/') || path == "/") return std::nullopt;
  std::string toggled(path);
  if (path.ends_with('/')) {
    toggled.pop_back();
  } else {
    toggled += '/';
  }
  std::vector<std::string_view> arguments;
  if (find(method, toggled, arguments)) return toggled;
  const std::string cleaned = clean_path(path);
  for (const auto& route : routes_) {
    if (route->method != method) continue;
    if (auto spelling = respelled(*route, cleaned)) return spelling;
  }
  return std::nullopt;
}

std::string Router::allowed_methods(std::string_view path) const {
  std::vector<std::string_view> allowed;
  std::vector<std::string_view> arguments;
  for (const Method method : kRoutable) {
    if (find(method, path, arguments)) allowed.push_back(to_text(method));
  }
  if (allowed.empty()) return "";
  allowed.push_back(to_text(Method::Options));
  std::sort(allowed.begin(), allowed.end());
  allowed.erase(std::unique(allowed.begin(), allowed.end()), allowed.end());
  return fmt::format("{}", fmt::join(allowed, ", "));
}

void Router::answer_unrouted(const Request& request, Response& response) const {
  if (const auto path = corrected_path(request.method, request.path)) {
    return redirect(request, *path, response);
  }
  const std::string allowed = allowed_methods(request.path);
  if (request.method == Method::Options && (request.path == "*" || !allowed.empty())) {
    response.plain(200, "");
  } else if (!allowed.empty()) {
    response.error(405, "METHOD_NOT_ALLOWED");
  } else {
    response.error(404, "NOT_FOUND");
  }
  if (!allowed.empty()) response.add_header("Allow", allowed);
}

}  // namespace nsq::http
