#include "http/response.h"

#include <fmt/format.h>

#include <ctime>

#include "base/json_writer.h"

namespace nsq::http {
namespace {

// "Date: Sat, 21 Nov 2026 05:08:20 GMT\r\n", made anew once a second on each thread.
std::string_view date_header() {
  thread_local std::time_t made_at = 0;
  thread_local char text[64];
  thread_local std::size_t size = 0;
  const std::time_t now = std::time(nullptr);
  if (now != made_at) {
    std::tm parts{};
    gmtime_r(&now, &parts);
    size = std::strftime(text, sizeof text, "Date: %a, %d %b %Y %H:%M:%S GMT\r\n", &parts);
    made_at = now;
  }
  return {text, size};
}

}  // namespace

std::string_view reason_phrase(int status) {
  switch (status) {
    case 200:
      return "OK";
    case 204:
      return "No Content";
    case 301:
      return "Moved Permanently";
    case 304:
      return "Not Modified";
    case 307:
      return "Temporary Redirect";
    case 400:
      return "Bad Request";
    case 401:
      return "Unauthorized";
    case 403:
      return "Forbidden";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 409:
      return "Conflict";
    case 413:
      return "Request Entity Too Large";
    case 417:
      return "Expectation Failed";
    case 429:
      return "Too Many Requests";
    case 431:
      return "Request Header Fields Too Large";
    case 500:
      return "Internal Server Error";
    case 501:
      return "Not Implemented";
    case 502:
      return "Bad Gateway";
    case 503:
      return "Service Unavailable";
    case 505:
      return "HTTP Version Not Supported";
    default:
      return "Status";
  }
}

void Response::text(std::string_view text) {
  clear();
  if (!text.empty()) content_type = kTextPlain;
  body = text;
}

void Response::json(std::string text) {
  clear();
  content_type = kJson;
  body = std::move(text);
}

void Response::error(int error_status, std::string_view code) {
  clear();
  status = error_status;
  content_type = kJson;
  JsonWriter json;
  json.begin_object().member("message", code).end_object();
  body = json.text();
}

void Response::plain(int plain_status, std::string_view text) {
  clear();
  status = plain_status;
  is_v1 = false;
  if (!text.empty()) content_type = kTextPlain;
  body = text;
}

void Response::add_header(std::string_view name, std::string_view value) {
  headers.append(name).append(": ").append(value).append("\r\n");
}

void Response::clear() {
  status = 200;
  content_type = {};
  is_v1 = true;
  body.clear();
  headers.clear();
  close = false;
}

void append_response(const Response& response, Framing framing, std::string& out) {
  out.append(framing.minor_version == 0 ? "HTTP/1.0 " : "HTTP/1.1 ");
  out.append(fmt::format_int(response.status).c_str());
  out.append(" ").append(reason_phrase(response.status)).append("\r\n");
  if (!response.content_type.empty()) {
    out.append("Content-Type: ").append(response.content_type).append("\r\n");
  }
  if (response.is_v1) out.append("X-Nsq-Content-Type: nsq; version=1.0\r\n");
  out.append(response.headers);
  out.append(date_header());
  out.append("Content-Length: ").append(fmt::format_int(response.body.size()).c_str());
  out.append("\r\n");
  if (!framing.keep_alive) {
    out.append("Connection: close\r\n");
  } else if (framing.minor_version == 0) {
    out.append("Connection: keep-alive\r\n");
  }
  out.append("\r\n");
  if (!framing.without_body) out.append(response.body);
}

}  // namespace nsq::http
