#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace nsq::test {

struct HttpAnswer {
  int status = 0;
  std::string body;
};

// One keep-alive connection, one blocking request at a time; answers must carry Content-Length.
// Threading: confined.
class HttpClient {
 public:
  // Throws ConnectionLost.
  HttpClient(const std::string& host, std::uint16_t port);
  ~HttpClient();
  HttpClient(const HttpClient&) = delete;
  HttpClient& operator=(const HttpClient&) = delete;

  // Throws ConnectionLost, also when no answer comes within ten seconds.
  HttpAnswer get(std::string_view target) { return request("GET", target, ""); }
  HttpAnswer post(std::string_view target, std::string_view body) {
    return request("POST", target, body);
  }
  HttpAnswer put(std::string_view target, std::string_view body) {
    return request("PUT", target, body);
  }

 private:
  HttpAnswer request(std::string_view method, std::string_view target, std::string_view body);
  void receive_more();

  int socket_ = -1;
  std::string received_;
};

}  // namespace nsq::test
