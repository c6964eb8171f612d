#include "net/layered_socket.h"

#include <asio/buffer.hpp>
#include <asio/error.hpp>
#include <asio/experimental/as_tuple.hpp>
#include <asio/use_awaitable.hpp>
#include <asio/write.hpp>
#include <utility>

#include "base/assert.h"
#include "net/layer_error.h"
#include "net/net_error.h"

namespace nsq::net {
namespace {

constexpr auto kUseTuple = asio::experimental::as_tuple(asio::use_awaitable);
constexpr std::size_t kReadBytes = std::size_t{16} << 10;

Error socket_error(const char* operation, std::error_code error) {
  return Error(system_error(error.value()), operation);
}

}  // namespace

LayeredSocket::LayeredSocket(Socket socket) : socket_(std::move(socket)) {}
LayeredSocket::~LayeredSocket() = default;

asio::awaitable<Result<TlsInfo>> LayeredSocket::start_tls(std::unique_ptr<TlsLayer> layer) {
  for (;;) {
    const auto done = layer->handshake(undecoded_);
    encoded_.clear();
    layer->flush(encoded_);
    const auto written = co_await write_raw(encoded_);
    if (!done) co_return done.error();
    if (!written) co_return written.error();
    if (*done) break;
    const auto received = co_await receive();
    if (!received) co_return received.error();
    if (!*received) co_return Error(LayerErrc::HandshakeFailed, "the connection was closed");
  }
  TlsInfo info = layer->info();
  layers_.push(std::move(layer));
  has_tls_ = true;
  co_return info;
}

void LayeredSocket::push(std::unique_ptr<Layer> layer) {
  layers_.push(std::move(layer));
}

// More of what is to be decoded; false at the end of the stream.
asio::awaitable<Result<bool>> LayeredSocket::receive() {
  NSQ_ASSERT(undecoded_.empty());
  room_.resize(kReadBytes);
  const auto [error, count] = co_await socket_.async_read_some(asio::buffer(room_), kUseTuple);
  if (error == asio::error::eof) co_return false;
  if (error) co_return socket_error("read", error);
  undecoded_ = std::string_view(room_).substr(0, count);
  co_return true;
}

asio::awaitable<Result<std::size_t>> LayeredSocket::read_some(std::span<char> room) {
  if (layers_.empty()) {
    const auto [error, count] =
        co_await socket_.async_read_some(asio::buffer(room.data(), room.size()), kUseTuple);
    if (error == asio::error::eof) co_return std::size_t{0};
    if (error) co_return socket_error("read", error);
    co_return count;
  }
  for (;;) {
    auto decoded = layers_.decode(undecoded_, room);
    if (!decoded || *decoded > 0 || layers_.is_at_end()) co_return decoded;
    const auto received = co_await receive();
    if (!received) co_return received.error();
    if (*received) continue;
    if (has_tls_) co_return Error(LayerErrc::BadTls, "unexpected end");
    co_return std::size_t{0};
  }
}

asio::awaitable<Result<void>> LayeredSocket::write(std::string_view bytes) {
  if (layers_.empty()) co_return co_await write_raw(bytes);
  encoded_.clear();
  layers_.encode(bytes, encoded_);
  layers_.flush(encoded_);
  co_return co_await write_raw(encoded_);
}

asio::awaitable<Result<void>> LayeredSocket::write_raw(std::string_view bytes) {
  if (bytes.empty()) co_return Result<void>();
  const auto [error, count] =
      co_await asio::async_write(socket_, asio::buffer(bytes.data(), bytes.size()), kUseTuple);
  if (error) co_return socket_error("write", error);
  co_return Result<void>();
}

void LayeredSocket::end_sending() {
  std::error_code ignored;  // the connection is ending either way
  encoded_.clear();
  layers_.end(encoded_);
  // A few bytes, for which there nearly always is room; they are a courtesy.
  socket_.non_blocking(true, ignored);
  if (!encoded_.empty()) socket_.write_some(asio::buffer(encoded_), ignored);
  socket_.shutdown(Socket::shutdown_send, ignored);
}

}  // namespace nsq::net
