#pragma once

#include <array>
#include <asio/basic_waitable_timer.hpp>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/instant.h"
#include "base/mutex.h"
#include "daemon/client_layers.h"
#include "daemon/client_output.h"
#include "daemon/client_session.h"
#include "daemon/client_tools.h"
#include "daemon/input_buffer.h"
#include "net/socket.h"
#include "net/tls_acceptor.h"

namespace nsq::daemon {

// Why a client's connection came to an end.
enum class CloseReason : std::uint8_t {
  ClientLeft,      // the client closed it
  ProtocolError,   // it was told what it did wrong
  BadMagic,        // it does not speak the V2 protocol
  LineTooLong,     // it sent a command line without end
  UpgradeFailed,   // it asked for TLS, and the handshake failed
  BadEncoding,     // what it sent is not what was agreed on, or damaged
  ClientSilent,    // no command within two heartbeat intervals
  ClientStuck,     // it did not read what it was sent within one
  ConnectionLost,  // the socket failed
  ChannelDeleted,  // its channel or topic is gone
  OutOfResources,  // the daemon could not go on with it
  Shutdown,        // the daemon stops
};
inline constexpr std::size_t kCloseReasonCount = 12;
std::string_view to_string(CloseReason reason);

// One client's socket and the ClientSession behind it.
//
// Whatever happens (bytes came, the broker called, a timer fired) is one wake-up: complete commands
// are executed, the consumer takes its share, and at the end all that came of it is written at
// once. Handlers rather than coroutines carry this: between two wake-ups there is nothing to
// remember that is not a member, and an idle client costs no frame. What the socket does not take
// stays here, and holds up both reading and deliveries until it is written, so that a client that
// does not read cannot make the daemon buffer for it without bound.
//
// Frames go straight to the socket, and commands come straight from it, unless the client has asked
// for TLS or compression. Then both pass through its ClientLayers.
//
// Threading: confined to its socket's loop, except `close_soon`, `info` and the session's calls.
// One thing is done on other loops: a publisher sends a message it has just published to the
// consumer it calls, if that has nothing else to do (see DirectDelivery). So there is a lock, which
// the loop holds for a whole wake-up, and others only try. Kept alive by its own pending operations
// and, while subscribed, by the broker.
class ClientConnection final : private ClientSession::Owner,
                               public std::enable_shared_from_this<ClientConnection> {
 public:
  // Told once, on the loop, when the connection has ended.
  class Host {
   public:
    virtual void on_closed(const ClientConnection& connection, CloseReason reason) = 0;

   protected:
    ~Host() = default;
  };

  // `host`, `broker`, `options` and `tools` must outlive the connection; `tools` are the loop's.
  ClientConnection(net::Socket socket, Host& host, broker::Broker& broker, const Options& options,
                   ClientTools& tools);

  // Begins with waiting for the magic. Requires: called once, on the loop.
  void start();
  // Closes without a word. Any thread.
  void close_soon(CloseReason reason);

  // Any thread.
  ClientInfo info() const { return session_.info(); }
  // What the broker knows the client as, while it is subscribed. Any thread.
  const broker::Consumer& consumer() const { return session_; }

 private:
  using Timer =
      asio::basic_waitable_timer<std::chrono::steady_clock,
                                 asio::wait_traits<std::chrono::steady_clock>, net::Executor>;
  enum class Phase {
    Magic,      // waiting for the first four bytes
    Open,       // executing commands
    Upgrading,  // on its way to TLS: nothing is executed, no heartbeats are sent
    Draining,   // sending the last frames, then waiting for the client to see them
    Closed,
  };

  void on_session_notices() override;
  std::shared_ptr<ClientSession> share_session() override;

  bool deliver_directly(DirectDelivery& direct) noexcept;
  bool send_directly(DirectDelivery& direct);
  void flush_soon();

  template <typename Work>
  void guard(Work work);

  void read_more();
  void on_read(std::error_code error, std::size_t count);
  void on_readable(std::error_code error);
  bool has_end(std::error_code error);
  void drop_input(std::size_t count);
  bool accept_magic(Moment now);
  void on_end_of_stream();

  void work(Moment now);
  ClientSession::Progress execute(Moment now);
  std::size_t decode_more(Moment now);
  void on_woken();

  void upgrade(Moment now);
  void begin_handshake();
  void on_handshake(net::TlsAcceptor::Outcome outcome);
  void on_handshake_failed(const net::TlsAcceptor::Outcome& outcome, Moment now);
  void end_upgrade(Moment now);

  // Frames of this wake-up go to the loop's output, unless older ones are still to be written.
  ClientOutput& output() { return unwritten_ ? *unwritten_ : tools_.output; }
  void flush(Moment now);
  void write_frames();
  void write_encoded();
  bool has_unwritten() { return !output().empty() || (layers_ && !layers_->unwritten().empty()); }
  void keep_unwritten(Moment now);
  void on_writable(std::error_code error);

  void drain(CloseReason reason, Moment now);
  void continue_draining();
  void close(CloseReason reason);

  void restart_heartbeats(Moment now);
  void renew_read_deadline(Moment now);
  void arm_timer();
  void on_timer();
  void on_silence(Moment now);

  Mutex mutex_;  // all that follows
  net::Socket socket_;
  Host& host_;
  ClientTools& tools_;
  ClientSession session_;
  InputBuffer input_;
  std::unique_ptr<ClientLayers> layers_;     // null for a client that asked for none
  std::unique_ptr<ClientOutput> unwritten_;  // what the socket did not take; none most of the time
  Timer timer_;

  Phase phase_ = Phase::Magic;
  CloseReason reason_ = CloseReason::ClientLeft;  // once draining
  bool reading_ = false;                          // a read is pending
  bool writing_ = false;                          // a wait for the socket to take more is pending
  bool handshaking_ = false;                      // the TlsAcceptor has the socket
  bool held_up_ = false;      // not reading: a commit is awaited, or too much is unwritten
  bool input_ended_ = false;  // the client's half of the stream is closed
  bool sent_last_ = false;    // and ours
  std::size_t needed_bytes_ = 0;
  std::size_t drained_bytes_ = 0;

  Duration heartbeat_interval_{0};  // 0: no heartbeats and no deadlines
  Instant next_heartbeat_ = Instant::never();
  Instant read_deadline_ = Instant::never();   // for the next command; the end, once draining
  Instant write_deadline_ = Instant::never();  // for the socket to take something
  Instant next_shrink_;
};

}  // namespace nsq::daemon
