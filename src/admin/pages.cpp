#include "admin/pages.h"

#include <fmt/format.h>

#include <array>
#include <fstream>
#include <functional>
#include <iterator>
#include <utility>

#include "admin/compression.h"
#include "admin/graphite.h"
#include "base/assert.h"
#include "http/url.h"

namespace nsq::admin {
namespace {

constexpr std::string_view kIndex = "index.html";
// Where the document wants its settings and its base address.
constexpr std::string_view kSettingsMark = "{\"settings\":0}";
constexpr std::string_view kBaseMark = "<base href=\"/\"";

std::string_view content_type_of(std::string_view name) {
  constexpr auto kTypes = std::to_array<std::pair<std::string_view, std::string_view>>({
      {".html", "text/html; charset=utf-8"},
      {".js", "text/javascript; charset=utf-8"},
      {".css", "text/css; charset=utf-8"},
      {".svg", "image/svg+xml"},
      {".png", "image/png"},
      {".ico", "image/x-icon"},
      {".map", "application/json"},
      {".woff", "font/woff"},
      {".woff2", "font/woff2"},
      {".ttf", "font/ttf"},
      {".eot", "application/vnd.ms-fontobject"},
  });
  for (const auto& [ending, type] : kTypes) {
    if (name.ends_with(ending)) return type;
  }
  return "application/octet-stream";
}

std::string tag_of(std::string_view bytes) {
  return fmt::format("\"{:016x}-{:x}\"", std::hash<std::string_view>()(bytes), bytes.size());
}

void replace_first(std::string& text, std::string_view what, std::string_view with) {
  const std::size_t at = text.find(what);
  if (at != std::string::npos) text.replace(at, what.size(), with);
}

// For a double-quoted attribute.
std::string escape_attribute(std::string_view text) {
  std::string escaped;
  for (const char c : text) {
    switch (c) {
      case '"':
        escaped += "&quot;";
        break;
      case '&':
        escaped += "&amp;";
        break;
      case '<':
        escaped += "&lt;";
        break;
      default:
        escaped += c;
    }
  }
  return escaped;
}

bool is_same_tag(const http::Request& request, std::string_view tag) {
  return request.header("If-None-Match").value_or("").find(tag) != std::string_view::npos;
}

}  // namespace

Pages::Pages(const Options& options, std::span<const Asset> assets)
    : options_(options), policy_(content_security_policy()) {
  for (const Asset& asset : assets) {
    File& file = files_[std::string(asset.name)];
    if (asset.is_gzip) {
      auto plain = decompress(asset.bytes, asset.size);
      NSQ_ASSERT(plain);
      file.gzip = asset.bytes;
      file.plain = std::move(*plain);
    } else {
      file.plain = asset.bytes;
    }
    file.tag = tag_of(file.plain);
  }
}

// Everything comes from this server, but images of a Graphite that browsers ask directly.
std::string Pages::content_security_policy() const {
  std::string images = "'self' data:";
  if (!options_.graphite_url.empty() && !options_.proxy_graphite) {
    std::string url = options_.graphite_url;
    take_credentials(url);
    if (const auto parsed = http::parse_url(url)) {
      images += fmt::format(" {}://{}", parsed->scheme, parsed->authority);
    }
  }
  return fmt::format(
      "default-src 'none'; script-src 'self'; style-src 'self'; img-src {}; font-src 'self'; "
      "connect-src 'self'; base-uri 'self'; form-action 'none'; frame-ancestors 'none'",
      images);
}

void Pages::add_security_headers(http::Response& response) {
  response.add_header("X-Content-Type-Options", "nosniff");
  response.add_header("X-Frame-Options", "DENY");
  response.add_header("Referrer-Policy", "same-origin");
}

const Pages::File* Pages::find(const std::string& name, File& scratch) const {
  if (options_.dev_static_dir.empty()) {
    const auto found = files_.find(name);
    return found == files_.end() ? nullptr : &found->second;
  }
  if (name.find("..") != std::string::npos) return nullptr;
  std::ifstream file(options_.dev_static_dir + "/" + name, std::ios::binary);
  if (!file) return nullptr;
  scratch.plain.assign(std::istreambuf_iterator<char>(file), {});
  scratch.tag = tag_of(scratch.plain);
  return &scratch;
}

void Pages::serve_index(const http::Request& request, const std::string& settings,
                        http::Response& response) const {
  File scratch;
  const File* index = find(std::string(kIndex), scratch);
  if (!index) return response.plain(404, "NOT_FOUND");
  File page{.gzip = {}, .plain = index->plain, .tag = {}};
  const std::string base = options_.base_path == "/" ? "/" : options_.base_path + "/";
  replace_first(page.plain, kBaseMark, fmt::format("<base href=\"{}\"", escape_attribute(base)));
  replace_first(page.plain, kSettingsMark, settings);
  page.tag = tag_of(page.plain);
  response.content_type = content_type_of(kIndex);
  response.add_header("Cache-Control", "no-cache");
  response.add_header("Content-Security-Policy", policy_);
  serve(request, page, response);
}

void Pages::serve_asset(const http::Request& request, std::string_view name,
                        http::Response& response) const {
  File scratch;
  const File* file = find(fmt::format("static/{}", name), scratch);
  if (!file) {
    response.plain(404, "NOT_FOUND");
    return add_security_headers(response);
  }
  response.content_type = content_type_of(name);
  response.add_header("Cache-Control", options_.dev_static_dir.empty()
                                           ? "public, max-age=31536000, immutable"
                                           : "no-cache");
  serve(request, *file, response);
}

void Pages::serve(const http::Request& request, const File& file, http::Response& response) const {
  response.is_v1 = false;
  response.add_header("ETag", file.tag);
  add_security_headers(response);
  if (is_same_tag(request, file.tag)) {
    response.status = 304;
    response.content_type = "";
    return;
  }
  const Encoding encoding = choose_encoding(request.header("Accept-Encoding").value_or(""));
  response.add_header("Vary", "Accept-Encoding");
  if (encoding == Encoding::Identity) {
    response.body = file.plain;
    return;
  }
  response.add_header("Content-Encoding", to_text(encoding));
  const bool is_ready = encoding == Encoding::Gzip && !file.gzip.empty();
  response.body = is_ready ? file.gzip : compress(file.plain, encoding);
}

}  // namespace nsq::admin
