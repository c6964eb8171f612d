#pragma once

#include <asio/awaitable.hpp>
#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "net/layer.h"
#include "net/socket.h"
#include "net/tls_layer.h"
#include "nsq/result.h"

namespace nsq::net {

// A connected socket and the layers its bytes travel in, for coroutines of clients: without layers,
// which is how it begins, bytes go as they are.
//
//   LayeredSocket stream(std::move(socket));
//   co_await stream.start_tls(TlsContext::connect(context, host));
//   co_await stream.write("hello");
//
// One read and one write may be under way at a time. Closing the socket ends both.
//
// Threading: confined to the socket's loop.
class LayeredSocket {
 public:
  explicit LayeredSocket(Socket socket);
  ~LayeredSocket();
  LayeredSocket(const LayeredSocket&) = delete;
  LayeredSocket& operator=(const LayeredSocket&) = delete;

  Socket& socket() { return socket_; }

  // Does the handshake; bytes travel in TLS from then on. Requires: nothing else is under way.
  // Errors: those of TlsLayer::handshake, or the socket's.
  asio::awaitable<Result<TlsInfo>> start_tls(std::unique_ptr<TlsLayer> layer);
  // Bytes travel in this layer from now on, within those there are. Requires: nothing is under way,
  // and the far end sends nothing before it knows.
  void push(std::unique_ptr<Layer> layer);

  // Reads some bytes; 0 at the end of the stream. Requires: a room that is not empty.
  // Errors: those of the layers, or the socket's. A stream that breaks off within TLS, which
  // somebody else may have done, is LayerErrc::BadTls.
  asio::awaitable<Result<std::size_t>> read_some(std::span<char> room);
  // Writes all of `bytes`, which must stay until then, and flushes the layers.
  asio::awaitable<Result<void>> write(std::string_view bytes);
  // Tells the far end, in the layers' own way and the socket's, that nothing more comes. Does not
  // wait. Requires: no write is under way.
  void end_sending();

 private:
  asio::awaitable<Result<void>> write_raw(std::string_view bytes);
  asio::awaitable<Result<bool>> receive();

  Socket socket_;
  LayerStack layers_;
  std::string room_;            // where bytes are received that have to be decoded
  std::string_view undecoded_;  // of `room_`
  std::string encoded_;         // being written
  bool has_tls_ = false;
};

}  // namespace nsq::net
