#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <system_error>

#include "net/socket.h"

namespace nsq::http {

// Whom a transport tells what came of an operation. It lives until then: each operation keeps it.
class TransportOwner {
 public:
  virtual ~TransportOwner() = default;
  // The end of the stream is an error too.
  virtual void on_read(std::error_code error, std::size_t bytes) = 0;
  virtual void on_written(std::error_code error, std::size_t bytes) = 0;
};

// The bytes of one connection, whatever they travel in: plain here, TLS elsewhere. At most one read
// and one write are under way at a time. No call fails: failures come to the owner.
//
// Threading: confined to the connection's loop.
class Transport {
 public:
  virtual ~Transport() = default;

  // Reads some bytes into `room`, which must stay, and tells the owner.
  virtual void read(std::shared_ptr<TransportOwner> owner, std::span<char> room) = 0;
  // Writes some of `bytes`. Returns how many were taken at once; 0 if it must wait, and then the
  // owner is told, and `bytes` must stay until it is.
  virtual std::size_t write(std::shared_ptr<TransportOwner> owner, std::string_view bytes) = 0;
  // Tells the far end that nothing more comes; reading goes on.
  virtual void end_sending() = 0;
  virtual void close() = 0;

  virtual net::Executor executor() = 0;
  virtual std::string remote_text() const = 0;
};

std::unique_ptr<Transport> make_plain_transport(net::Socket socket);

}  // namespace nsq::http
