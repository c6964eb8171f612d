#pragma once

#include <asio/basic_stream_socket.hpp>
#include <asio/generic/stream_protocol.hpp>
#include <asio/io_context.hpp>
#include <string>

namespace nsq::net {

using Executor = asio::io_context::executor_type;
using Endpoint = asio::generic::stream_protocol::endpoint;
// A connected byte stream, TCP or Unix. Bound to its loop's own executor type, which spares each
// operation the cost of a type-erased one.
using Socket = asio::basic_stream_socket<asio::generic::stream_protocol, Executor>;

// "127.0.0.1:4150", "[::1]:4150", a Unix socket's path, or "@" for a Unix socket without a name.
std::string to_text(const Endpoint& endpoint);
// The port, or -1 if the endpoint has none.
int port_of(const Endpoint& endpoint);
// The IP address alone ("127.0.0.1", "::1"); for a Unix socket as to_text.
std::string host_of(const Endpoint& endpoint);

// The far end as text; "?" if the connection is gone already.
std::string remote_text(const Socket& socket);

// No delay for small writes, and keep-alive probes so that a peer that vanished without a word is
// noticed. Harmless on Unix sockets.
void tune(Socket& socket);

}  // namespace nsq::net
