#include "http/client.h"

#include "http/connection_pool.h"

namespace nsq::http {
namespace {

class ClientCategory final : public std::error_category {
 public:
  const char* name() const noexcept override { return "nsq.http"; }
  std::string message(int code) const override {
    switch (static_cast<ClientErrc>(code)) {
      case ClientErrc::BadUrl:
        return "not a URL";
      case ClientErrc::NoTls:
        return "https without settings for TLS";
      case ClientErrc::BadResponse:
        return "malformed HTTP response";
      case ClientErrc::ResponseTooLong:
        return "response too long";
      case ClientErrc::TooManyRedirects:
        return "too many redirects";
    }
    return "unknown HTTP error";
  }
};

}  // namespace

std::error_code make_error_code(ClientErrc code) {
  static const ClientCategory category;
  return {static_cast<int>(code), category};
}

asio::awaitable<Result<ClientResponse>> fetch(asio::io_context& loop, ClientRequest request,
                                              ClientOptions options) {
  ConnectionPool pool(loop, std::move(options), {.idle_per_server = 0});
  co_return co_await pool.fetch(std::move(request));
}

}  // namespace nsq::http
