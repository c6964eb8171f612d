#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include "net/layer.h"

struct ssl_st;  // OpenSSL's SSL

namespace nsq::net {

class TlsContext;

// What was agreed on, for statistics and authorization.
struct TlsInfo {
  std::string version{};              // "TLS1.2"
  std::string cipher_suite{};         // "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"
  std::string negotiated_protocol{};  // by ALPN
  std::string peer_common_name{};     // of the far end's certificate, if it showed one
};

// TLS on one connection. First comes the handshake, for which bytes are handed to and fro:
//
//   for (;;) {
//     auto done = layer.handshake(wire);     // what was received
//     layer.flush(to_send);                  // also when it failed: the far end is told why
//     if (!done || *done) break;
//     ...send to_send, receive more
//   }
//
// A step of it may take a millisecond of the processor, for signatures; nothing else does.
//
// Holds at most one record in each direction, and nothing but the keys while both are at rest.
//
// Threading: confined, to one thread at a time.
class TlsLayer final : public Layer {
 public:
  // See TlsContext.
  TlsLayer(std::shared_ptr<const TlsContext> context, ssl_st* native);
  ~TlsLayer() override;
  TlsLayer(const TlsLayer&) = delete;
  TlsLayer& operator=(const TlsLayer&) = delete;

  // Goes on with the handshake: true when it is complete. It takes no more of `wire` than it needs;
  // what is left is for `decode`. A client begins with an empty `wire`.
  // Errors: LayerErrc::HandshakeFailed, with the reason; NotTls and PlainHttp if the first bytes
  // are something else, and then nothing is to be flushed.
  Result<bool> handshake(std::string_view& wire);
  // Whether the far end has sent anything of the handshake.
  bool has_begun() const { return has_begun_; }
  // Requires: the handshake is complete.
  TlsInfo info() const;

  // These require that the handshake is complete. Errors: LayerErrc::BadTls.
  Result<std::size_t> decode(std::string_view& wire, std::span<char> room) override;
  bool is_at_end() const override { return is_at_end_; }
  void encode(std::string_view plain, std::string& wire) override;
  void flush(std::string& wire) override;
  void end(std::string& wire) override;

 private:
  // What OpenSSL reads from and writes to, instead of a socket.
  struct Wire {
    std::string_view input;
    std::string output;
  };
  friend struct TlsWire;

  void write_record(std::string_view plain);

  const std::shared_ptr<const TlsContext> context_;
  const std::unique_ptr<Wire> wire_;  // OpenSSL holds a pointer to it
  ssl_st* const native_;
  std::string held_back_;  // to encode; less than a record
  bool has_begun_ = false;
  bool is_open_ = false;  // the handshake is complete, and nothing has gone wrong since
  bool is_at_end_ = false;
};

}  // namespace nsq::net
