#include "support/http_client.h"

#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdlib>

#include "support/tcp.h"

namespace nsq::test {
namespace {

// The value of a header among lines that end in CRLF; empty if it is not there.
std::string header(std::string_view head, std::string_view name) {
  std::size_t line = 0;
  while ((line = head.find("\r\n", line)) != std::string_view::npos) {
    line += 2;
    const std::string_view rest = head.substr(line);
    if (rest.size() <= name.size() || rest[name.size()] != ':') continue;
    if (::strncasecmp(rest.data(), name.data(), name.size()) != 0) continue;
    const std::string_view value =
        rest.substr(name.size() + 1, rest.find("\r\n") - name.size() - 1);
    return std::string(value.substr(std::min(value.find_first_not_of(' '), value.size())));
  }
  return "";
}

}  // namespace

HttpClient::HttpClient(const std::string& host, std::uint16_t port)
    : socket_(connect_tcp(host, port)) {
  set_receive_timeout(socket_, std::chrono::seconds(10));
}

HttpClient::~HttpClient() {
  ::close(socket_);
}

void HttpClient::receive_more() {
  char bytes[16384];
  const ssize_t count = ::recv(socket_, bytes, sizeof bytes, 0);
  if (count <= 0) throw ConnectionLost("no answer over HTTP");
  received_.append(bytes, static_cast<std::size_t>(count));
}

HttpAnswer HttpClient::request(std::string_view method, std::string_view target,
                               std::string_view body) {
  std::string request;
  request.append(method).append(" ").append(target).append(" HTTP/1.1\r\nHost: test\r\n");
  request.append("Content-Length: ").append(std::to_string(body.size())).append("\r\n\r\n");
  request.append(body);
  send_all(socket_, request);

  std::size_t head_end = 0;
  while ((head_end = received_.find("\r\n\r\n")) == std::string::npos) receive_more();
  const std::string head = received_.substr(0, head_end + 2);
  received_.erase(0, head_end + 4);
  const std::size_t length =
      static_cast<std::size_t>(std::atoll(header(head, "Content-Length").c_str()));
  while (received_.size() < length) receive_more();
  const std::size_t status_at = head.find(' ');
  HttpAnswer answer{std::atoi(head.c_str() + status_at), received_.substr(0, length)};
  received_.erase(0, length);
  return answer;
}

}  // namespace nsq::test
