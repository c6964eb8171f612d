#pragma once

#include <memory>

#include "http/transport.h"
#include "net/tls_acceptor.h"

namespace nsq::http {

// A connection just accepted whose bytes travel in TLS. The handshake begins with the first read;
// one that fails, or takes too long, is an error of that read. A client that speaks HTTP without
// TLS is told so in plain text. The acceptor outlives the transport.
std::unique_ptr<Transport> make_tls_transport(net::Socket socket, net::TlsAcceptor& acceptor);

}  // namespace nsq::http
