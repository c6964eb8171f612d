#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "nsq/result.h"

struct ssl_ctx_st;  // OpenSSL's SSL_CTX

namespace nsq::net {

class TlsLayer;

enum class TlsVersion { Tls10, Tls11, Tls12, Tls13 };
// "tls1.0" to "tls1.3" in lower case, as flags have it; nothing else.
std::optional<TlsVersion> parse_tls_version(std::string_view word);

// What a server asks of its clients' certificates.
enum class ClientCertificates {
  NotAsked,
  Required,  // any certificate will do
  Verified,  // one that the authorities vouch for
};

// Paths are of PEM files; an empty one means none.
struct TlsServerOptions {
  std::string cert_file{};  // the server's own first, then those that vouch for it
  std::string key_file{};
  std::string root_ca_file{};  // empty: the system's authorities
  ClientCertificates client_certificates = ClientCertificates::NotAsked;
  TlsVersion min_version = TlsVersion::Tls10;
};

struct TlsClientOptions {
  std::string cert_file{};  // shown to servers that ask
  std::string key_file{};
  std::string root_ca_file{};         // instead of the system's authorities
  bool insecure_skip_verify = false;  // takes any certificate, for any name
  TlsVersion min_version = TlsVersion::Tls12;
  TlsVersion max_version = TlsVersion::Tls13;
};

// Certificates and rules, read once and then shared by all the connections made with them, which
// keep them: certificates are renewed by making a new context for the connections to come.
//
// Clients that come back resume their session by a ticket, which spares both the costly part of the
// handshake; the server keeps nothing for it. Tickets are of no use to another context.
//
// Reads files: for start-up, and wherever else it may block.
//
// Threading: immutable.
class TlsContext {
 public:
  // Errors, one line each: LayerErrc::BadCertificate, or why a file cannot be read ("open PATH: no
  // such file or directory").
  static Result<std::shared_ptr<const TlsContext>> for_server(const TlsServerOptions& options);
  static Result<std::shared_ptr<const TlsContext>> for_client(const TlsClientOptions& options);

  ~TlsContext();
  TlsContext(const TlsContext&) = delete;
  TlsContext& operator=(const TlsContext&) = delete;

  // A connection just accepted. Requires: a context for servers. The layer keeps the context.
  static std::unique_ptr<TlsLayer> accept(const std::shared_ptr<const TlsContext>& context);
  // A connection to `host`, a name or an IP address, which the server's certificate must be for.
  // Requires: a context for clients. The layer keeps the context.
  static std::unique_ptr<TlsLayer> connect(const std::shared_ptr<const TlsContext>& context,
                                           const std::string& host);

 private:
  explicit TlsContext(ssl_ctx_st* native, bool verifies);

  ssl_ctx_st* const native_;
  const bool verifies_;  // the names of servers
};

}  // namespace nsq::net
