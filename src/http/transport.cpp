#include "http/transport.h"

#include <asio/buffer.hpp>
#include <utility>

namespace nsq::http {
namespace {

class PlainTransport final : public Transport {
 public:
  explicit PlainTransport(net::Socket socket) : socket_(std::move(socket)) {
    std::error_code ignored;  // a socket that fails here fails again at its first use
    socket_.non_blocking(true, ignored);
  }

  void read(std::shared_ptr<TransportOwner> owner, std::span<char> room) override {
    socket_.async_read_some(asio::buffer(room.data(), room.size()),
                            [owner = std::move(owner)](std::error_code error, std::size_t bytes) {
                              owner->on_read(error, bytes);
                            });
  }

  std::size_t write(std::shared_ptr<TransportOwner> owner, std::string_view bytes) override {
    // Nearly always the kernel has room, and the answer is on its way without another turn of the
    // loop. Whatever went wrong comes up again in the asynchronous attempt.
    std::error_code error;
    const asio::const_buffer buffer(bytes.data(), bytes.size());
    const std::size_t written = socket_.write_some(buffer, error);
    if (!error) return written;
    socket_.async_write_some(
        buffer, [owner = std::move(owner)](std::error_code failure, std::size_t count) {
          owner->on_written(failure, count);
        });
    return 0;
  }

  void end_sending() override {
    std::error_code ignored;  // the connection is ending either way
    socket_.shutdown(net::Socket::shutdown_send, ignored);
  }
  void close() override {
    std::error_code ignored;  // the connection is ending either way
    socket_.close(ignored);
  }

  net::Executor executor() override { return socket_.get_executor(); }
  std::string remote_text() const override { return net::remote_text(socket_); }

 private:
  net::Socket socket_;
};

}  // namespace

std::unique_ptr<Transport> make_plain_transport(net::Socket socket) {
  return std::make_unique<PlainTransport>(std::move(socket));
}

}  // namespace nsq::http
