#pragma once

#include <asio/awaitable.hpp>
#include <asio/io_context.hpp>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/instant.h"
#include "net/socket.h"
#include "net/watchdog.h"
#include "nsq/result.h"
#include "protocol/frame_reader.h"

namespace nsq::client {

// What a connection tells the daemon about itself, and how long it waits.
struct ConnectionOptions {
  std::string client_id;   // by default the host's name up to the first dot
  std::string hostname;    // by default the host's name
  std::string user_agent;  // by convention program/version library/version
  Duration dial_timeout = std::chrono::seconds(5);
  Duration read_timeout = std::chrono::seconds(60);
  Duration heartbeat_interval = std::chrono::seconds(30);  // shorter than read_timeout
  std::size_t max_frame_bytes = std::size_t{256} << 20;    // a longer frame is not NSQ
};

// A conversation with one daemon, from IDENTIFY on. Heartbeats are answered while someone receives.
//
// Threading: confined to its loop. Held by shared_ptr, because a pending write keeps it alive.
class Connection : public std::enable_shared_from_this<Connection> {
 public:
  // Connects and identifies.
  // Errors: those of net::connect; Refused, NotNsq, Silent, Disconnected.
  static asio::awaitable<Result<std::shared_ptr<Connection>>> open(asio::io_context& loop,
                                                                   std::string address,
                                                                   ConnectionOptions options);
  Connection(net::Socket socket, std::string address, ConnectionOptions options);

  const std::string& address() const { return address_; }
  // The daemon's limit on RDY.
  std::int64_t max_rdy_count() const { return max_rdy_count_; }

  // Queues commands, in order. What is queued while a write is under way goes out in the next one.
  // Ignored once the connection is closed: the receiver learns of that.
  void send(std::string_view commands);
  std::size_t unsent_bytes() const { return outgoing_.size() + being_sent_.size(); }
  // Ends our half once everything queued is sent. The daemon then closes its own, having processed
  // everything: `receive` ends with Disconnected.
  void end_sending();

  // Waits until something more has been received.
  // Errors: Silent, Disconnected, or the operating system's; the connection is closed.
  asio::awaitable<Result<void>> receive();
  // The next frame among what was received; empty when there is none. Valid until `receive`.
  // Errors: NotNsq.
  Result<std::optional<protocol::Frame>> next_frame();

  // Ends the conversation at once; a pending `receive` fails with Disconnected.
  void close();

 private:
  static asio::awaitable<void> write_queued(std::shared_ptr<Connection> self);
  asio::awaitable<Result<void>> identify();
  Result<void> take_identify_reply(const protocol::Frame& frame);
  void reserve_input();

  net::Socket socket_;
  std::string address_;
  ConnectionOptions options_;
  std::int64_t max_rdy_count_ = 2500;

  protocol::FrameReader frames_;
  std::vector<char> input_;
  std::size_t begin_ = 0;  // input_[begin_, end_) is received and not yet taken
  std::size_t end_ = 0;
  std::size_t wanted_bytes_ = 0;  // the next frame is not complete before input is this long

  std::string outgoing_;    // queued
  std::string being_sent_;  // handed to the socket
  bool ending_ = false;     // end our half after what is queued
  bool closed_ = false;
  bool silent_ = false;  // closed because nothing came

  net::Watchdog watchdog_;  // for the daemon's silence
};

}  // namespace nsq::client
