#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>

#include "base/instant.h"
#include "base/mutex.h"
#include "net/event_loops.h"
#include "net/socket.h"
#include "net/tls_context.h"
#include "net/tls_layer.h"
#include "nsq/result.h"

namespace nsq::net {

// Does the server's half of handshakes, for sockets of any loop.
//
// A handshake costs up to some milliseconds of the processor, for a signature with a long RSA key.
// On an event loop that would hold up every other connection, so it is done by threads of its own,
// which yield to the loops when there is not enough of the processor for all.
//
// Threading: shared.
class TlsAcceptor {
 public:
  // What came of it, and what was received after it. The layer is null after a failure.
  struct Outcome {
    Result<void> result;
    std::unique_ptr<TlsLayer> layer;
    std::string undecoded;
    bool has_begun = false;  // the far end has sent something of a handshake
  };
  using OnDone = std::function<void(Outcome)>;

  TlsAcceptor(std::shared_ptr<const TlsContext> context, std::size_t threads);
  // Handshakes under way are dropped, their callbacks not called. The sockets' loops must still
  // exist, but run no more.
  ~TlsAcceptor();
  TlsAcceptor(const TlsAcceptor&) = delete;
  TlsAcceptor& operator=(const TlsAcceptor&) = delete;

  // For the handshakes that begin from now on.
  void replace_context(std::shared_ptr<const TlsContext> context);

  // Does the handshake on `socket`, of which `received` is read already, within `limit`, then calls
  // back, once, on the socket's loop; never within this call. Until then nobody else reads or
  // writes; closing the socket ends it early. The callback keeps the socket alive. On the socket's
  // loop.
  // Errors: those of TlsLayer::handshake, of which the far end was told if it is one to understand
  // it; NetErrc::TimedOut; the socket's.
  void accept(Socket& socket, std::string received, Duration limit, OnDone on_done);

 private:
  class Handshake;

  std::shared_ptr<const TlsContext> context() const;

  mutable Mutex mutex_;
  std::shared_ptr<const TlsContext> context_ NSQ_GUARDED_BY(mutex_);
  EventLoops threads_;
};

}  // namespace nsq::net
