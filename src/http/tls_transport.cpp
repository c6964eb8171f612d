#include "http/tls_transport.h"

#include <array>
#include <asio/buffer.hpp>
#include <asio/error.hpp>
#include <asio/post.hpp>
#include <chrono>
#include <optional>
#include <utility>

#include "base/log.h"
#include "net/layer_error.h"

namespace nsq::http {
namespace {

constexpr Duration kHandshakeLimit = std::chrono::seconds(10);
// Encrypted at once; the rest when that is written.
constexpr std::size_t kWriteBytes = std::size_t{64} << 10;
constexpr std::size_t kReadBytes = std::size_t{64} << 10;
constexpr std::string_view kPlainHttp =
    "HTTP/1.0 400 Bad Request\r\n\r\nClient sent an HTTP request to an HTTPS server.\n";

// Where bytes lie between being received and being decoded; no connection needs it for longer.
std::span<char> received_room() {
  static thread_local const std::unique_ptr<char[]> room(new char[kReadBytes]);
  return {room.get(), kReadBytes};
}

class TlsTransport final : public Transport {
 public:
  TlsTransport(net::Socket socket, net::TlsAcceptor& acceptor)
      : socket_(std::move(socket)), acceptor_(acceptor) {
    std::error_code ignored;  // a socket that fails here fails again at its first use
    socket_.non_blocking(true, ignored);
  }

  void read(std::shared_ptr<TransportOwner> owner, std::span<char> room) override;
  std::size_t write(std::shared_ptr<TransportOwner> owner, std::string_view bytes) override;
  void end_sending() override;
  void close() override;

  net::Executor executor() override { return socket_.get_executor(); }
  std::string remote_text() const override { return net::remote_text(socket_); }

 private:
  using Owner = std::shared_ptr<TransportOwner>;

  void on_handshake(const Owner& owner, std::span<char> room, net::TlsAcceptor::Outcome outcome);
  // Each is given what there is to decode, and calls back or waits for more.
  bool decode(std::string_view received, const Owner& owner, std::span<char> room);
  void receive(Owner owner, std::span<char> room);
  void on_readable(const Owner& owner, std::span<char> room);

  // Writes what is encoded. False if the socket does not take it all, or the error is set.
  bool flush(std::error_code& error);
  void wait_to_write(Owner owner, std::size_t count);
  void end_layer();

  net::Socket socket_;
  net::TlsAcceptor& acceptor_;
  std::unique_ptr<net::TlsLayer> layer_;  // null until the handshake is complete
  std::string undecoded_;                 // received and left over, mostly nothing
  bool may_hold_more_ = false;            // the last read's room was filled
  std::string encoded_;                   // from `written_` on still to be written
  std::size_t written_ = 0;
  bool has_ended_ = false;
};

// --- reading -----------------------------------------------------------------------------------

void TlsTransport::read(Owner owner, std::span<char> room) {
  if (!layer_) {
    return acceptor_.accept(socket_, {}, kHandshakeLimit,
                            [this, owner = std::move(owner), room](auto outcome) {
                              on_handshake(owner, room, std::move(outcome));
                            });
  }
  if (!may_hold_more_) return receive(std::move(owner), room);
  // What is there already is told by the loop: the owner does not expect it within its call.
  asio::post(socket_.get_executor(), [this, owner = std::move(owner), room] {
    const std::string received = std::exchange(undecoded_, {});
    if (!decode(received, owner, room)) receive(owner, room);
  });
}

void TlsTransport::on_handshake(const Owner& owner, std::span<char> room,
                                net::TlsAcceptor::Outcome outcome) {
  if (!outcome.result) {
    const Error& error = outcome.result.error();
    log::debug("HTTPS: [{}] - {}", remote_text(), error.to_string());
    std::error_code ignored;  // it is told if it can be
    if (error == net::LayerErrc::PlainHttp) socket_.write_some(asio::buffer(kPlainHttp), ignored);
    socket_.shutdown(net::Socket::shutdown_send, ignored);
    return owner->on_read(error.code(), 0);
  }
  layer_ = std::move(outcome.layer);
  layer_->flush(encoded_);
  if (!decode(outcome.undecoded, owner, room)) receive(owner, room);
}

void TlsTransport::receive(Owner owner, std::span<char> room) {
  socket_.async_wait(net::Socket::wait_read,
                     [this, owner = std::move(owner), room](std::error_code error) {
                       if (error) return owner->on_read(error, 0);
                       on_readable(owner, room);
                     });
}

void TlsTransport::on_readable(const Owner& owner, std::span<char> room) {
  const std::span<char> received = received_room();
  std::error_code error;
  const std::size_t count =
      socket_.read_some(asio::buffer(received.data(), received.size()), error);
  if (error == asio::error::would_block) return receive(owner, room);
  if (error) return owner->on_read(error, 0);
  if (!decode({received.data(), count}, owner, room)) receive(owner, room);
}

bool TlsTransport::decode(std::string_view received, const Owner& owner, std::span<char> room) {
  const auto decoded = layer_->decode(received, room);
  undecoded_ = received;
  may_hold_more_ = decoded && *decoded == room.size();
  if (!decoded) {
    layer_->flush(encoded_);
    std::error_code ignored;  // the connection is over
    flush(ignored);
    owner->on_read(decoded.error().code(), 0);
  } else if (*decoded > 0) {
    owner->on_read({}, *decoded);
  } else if (layer_->is_at_end()) {
    owner->on_read(asio::error::eof, 0);
  } else {
    return false;
  }
  return true;
}

// --- writing -----------------------------------------------------------------------------------

std::size_t TlsTransport::write(Owner owner, std::string_view bytes) {
  bytes = bytes.substr(0, kWriteBytes);
  layer_->encode(bytes, encoded_);
  layer_->flush(encoded_);
  std::error_code error;
  if (flush(error)) return bytes.size();
  wait_to_write(std::move(owner), bytes.size());
  return 0;
}

bool TlsTransport::flush(std::error_code& error) {
  while (written_ < encoded_.size()) {
    const std::string_view rest = std::string_view(encoded_).substr(written_);
    const std::size_t count = socket_.write_some(asio::buffer(rest), error);
    if (error) return false;
    written_ += count;
  }
  encoded_.clear();
  written_ = 0;
  if (encoded_.capacity() > kWriteBytes / 4) std::string().swap(encoded_);
  return true;
}

// Whatever went wrong so far comes up again.
void TlsTransport::wait_to_write(Owner owner, std::size_t count) {
  socket_.async_wait(net::Socket::wait_write,
                     [this, owner = std::move(owner), count](std::error_code error) {
                       if (error) return owner->on_written(error, 0);
                       if (flush(error)) return owner->on_written({}, count);
                       if (error != asio::error::would_block) return owner->on_written(error, 0);
                       wait_to_write(owner, count);
                     });
}

void TlsTransport::end_sending() {
  end_layer();
  std::error_code ignored;  // the connection is ending either way
  socket_.shutdown(net::Socket::shutdown_send, ignored);
}

void TlsTransport::close() {
  end_layer();
  std::error_code ignored;  // the connection is ending either way
  socket_.close(ignored);
}

// Says that the end is meant to be one. With answers still to be written it is not, and for an end
// nobody waits.
void TlsTransport::end_layer() {
  if (!layer_ || std::exchange(has_ended_, true) || written_ < encoded_.size()) return;
  layer_->end(encoded_);
  std::error_code ignored;  // the client may be gone already
  flush(ignored);
}

}  // namespace

std::unique_ptr<Transport> make_tls_transport(net::Socket socket, net::TlsAcceptor& acceptor) {
  return std::make_unique<TlsTransport>(std::move(socket), acceptor);
}

}  // namespace nsq::http
