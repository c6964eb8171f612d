#pragma once

#include <asio/awaitable.hpp>
#include <asio/io_context.hpp>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/instant.h"
#include "client/client_log.h"
#include "client/identity.h"
#include "client/input_buffer.h"
#include "net/layer.h"
#include "net/socket.h"
#include "net/tls_context.h"
#include "net/watchdog.h"
#include "nsq/config.h"
#include "nsq/result.h"
#include "protocol/frame_reader.h"

namespace nsq::client {

// What all connections of a consumer or producer have in common. Immutable.
struct ConnectionProfile {
  Config config;
  std::string identify;                        // the body of the command
  std::shared_ptr<const net::TlsContext> tls;  // null unless TLS is configured
  std::optional<net::Endpoint> source;
  std::shared_ptr<const ClientLog> log;
};

// Reads the certificates. Errors: InvalidOption; or why a file cannot be read.
Result<std::shared_ptr<const ConnectionProfile>> make_profile(const Config& config,
                                                              std::shared_ptr<const ClientLog> log);

// A conversation with one daemon, from IDENTIFY and AUTH on. Heartbeats are answered while someone
// receives. It ends by itself when the daemon says nothing for the read timeout, or takes nothing
// for the write timeout.
//
// Threading: confined to its loop. Held by shared_ptr, because a pending write keeps it alive.
class Connection : public std::enable_shared_from_this<Connection> {
 public:
  using Profile = std::shared_ptr<const ConnectionProfile>;

  // Connects, identifies, and takes on TLS, compression and AUTH as configured and granted. All of
  // it after the connect takes at most the read timeout.
  // Errors: those of net::connect; Refused, NotNsq, HttpPort, Silent, Stalled, Disconnected,
  // TlsRefused, AuthRequired, AuthFailed; net::LayerErrc. Meanwhile the connection can be closed
  // through `opening`.
  static asio::awaitable<Result<std::shared_ptr<Connection>>> open(
      asio::io_context& loop, std::string address, Profile profile,
      std::weak_ptr<Connection>& opening);
  Connection(net::Socket socket, std::string address, Profile profile);

  const std::string& address() const { return address_; }
  // The daemon's limit on RDY.
  std::int64_t max_rdy_count() const { return granted_.max_rdy_count; }
  // How long it waits for the answer to a message: since the last touch, and in all.
  Duration msg_timeout() const { return granted_.msg_timeout; }
  Duration max_msg_timeout() const { return granted_.max_msg_timeout; }

  // Queues commands, in order. What is queued while a write is under way goes out in the next one.
  // Ignored once the connection is closed: the receiver learns of that.
  void send(std::string_view commands);
  // The same, leaving `commands` empty, with some memory for the next ones.
  void send_and_clear(std::string& commands);
  // How many bytes of commands have left, as far as can be known. What is beyond them never will
  // have when the connection has ended.
  std::uint64_t sent_bytes() const { return sent_bytes_; }
  // Ends our half once everything queued is sent. The daemon then closes its own, having processed
  // everything: `receive` ends with Disconnected.
  void end_sending();

  // Waits until something more has been received.
  // Errors: Silent, Stalled, Disconnected, the operating system's or a layer's; the connection is
  // closed.
  asio::awaitable<Result<void>> receive();
  // The next frame among what was received, of a known type; empty when there is none. It lies in
  // `block` and is otherwise valid until `receive`.
  // Errors: NotNsq, HttpPort.
  Result<std::optional<protocol::Frame>> next_frame();
  const BlockRef& block() const { return input_.block(); }

  // Hands over what the conversation goes on with, to a program that reads and writes by itself: a
  // load generator, for which a copy of each byte is one too many. Ends this object; heartbeats are
  // the new owner's duty. Requires: nobody receives, and everything sent has been answered.
  struct Parts {
    net::Socket socket;
    net::LayerStack layers;
    std::string undecoded;  // received, and not yet given to the layers
  };
  Parts take_apart();

  // Ends the conversation at once; a pending `receive` fails with Disconnected, or `why`.
  void close(std::optional<Error> why = {});
  bool is_closed() const { return closed_; }

 private:
  asio::awaitable<Result<void>> shake_hands();
  asio::awaitable<Result<void>> start_tls();
  asio::awaitable<Result<void>> start_compression();
  asio::awaitable<Result<void>> authenticate();
  asio::awaitable<Result<std::string>> answer(std::string_view failing);
  asio::awaitable<Result<void>> expect_ok(std::string_view after);

  asio::awaitable<Result<void>> receive_plain();
  asio::awaitable<Result<void>> receive_layered();
  asio::awaitable<Result<void>> read_wire();
  asio::awaitable<Result<void>> write_wire(std::string bytes);
  InputBuffer::Room room();
  Error ended(std::error_code code, std::string_view operation);

  void start_write();
  bool take_outgoing();
  void on_written(std::error_code error, std::size_t bytes);

  net::Socket socket_;
  std::string address_;
  Profile profile_;
  IdentifyReply granted_;

  net::LayerStack layers_;
  std::string wire_;            // received and not yet decoded, with layers only
  std::size_t wire_begin_ = 0;  // of it

  protocol::FrameReader frames_;
  InputBuffer input_;
  std::size_t wanted_bytes_ = 0;  // the next frame is not complete before input is this long
  bool shaking_hands_ = true;     // no byte is read that may belong to a layer to come

  std::string outgoing_;           // queued
  std::string being_sent_;         // handed to the socket, through the layers
  std::size_t being_sent_at_ = 0;  // what is before it is sent
  std::uint64_t sent_bytes_ = 0;
  bool writing_ = false;
  bool ending_ = false;        // end our half after what is queued
  bool layers_ended_ = false;  // and the layers have been told
  bool closed_ = false;
  std::optional<Error> why_;  // it was closed

  net::Watchdog silence_;   // of the daemon
  net::Watchdog stalling_;  // of what we send
};

}  // namespace nsq::client
