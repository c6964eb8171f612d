#include "net/tls_context.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <new>
#include <utility>

#include "base/assert.h"
#include "net/layer_error.h"
#include "net/net_error.h"
#include "net/tls_error.h"
#include "net/tls_layer.h"

namespace nsq::net {
namespace {

// Suites of TLS 1.2 and before, best first; those without forward secrecy only for clients that
// know nothing better. The list of TLS 1.3 is OpenSSL's own.
constexpr const char* kCiphers =
    "ECDHE+AESGCM:ECDHE+CHACHA20:DHE+AESGCM:ECDHE+AES:AESGCM:AES:!aNULL:!eNULL:!PSK:!SRP:!kDH:!"
    "aDSS";
// What signatures in certificates must be worth, whatever old TLS versions need for themselves:
// 80 bits, which leaves SHA-1 out.
constexpr int kCertificateSecurityLevel = 1;
constexpr unsigned char kSessionContext[] = "nsq";

using Handle = std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)>;

int number_of(TlsVersion version) {
  static constexpr std::array numbers{TLS1_VERSION, TLS1_1_VERSION, TLS1_2_VERSION, TLS1_3_VERSION};
  return numbers[static_cast<std::size_t>(version)];
}

Error bad(const std::string& what) {
  return Error(LayerErrc::BadCertificate, what + ": " + take_tls_reason());
}

// OpenSSL's own words for a file that cannot be opened are of no use to anybody.
Result<void> check_readable(const std::string& path) {
  const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) {
    const std::error_code code = system_error(errno);
    return Error(code, "open " + path + ": " + code.message());
  }
  ::close(file);
  return {};
}

// There is nobody to ask for a key's passphrase.
int no_passphrase(char*, int, int, void*) {
  return 0;
}

Handle make_context(const SSL_METHOD* method, TlsVersion min, TlsVersion max) {
  ERR_clear_error();
  Handle context(SSL_CTX_new(method), &SSL_CTX_free);
  if (!context) throw std::bad_alloc();
  SSL_CTX* native = context.get();
  // TLS before 1.2 signs with SHA-1, which OpenSSL takes only where no level of security is asked
  // for.
  SSL_CTX_set_security_level(native, min < TlsVersion::Tls12 ? 0 : 1);
  const bool is_set = SSL_CTX_set_min_proto_version(native, number_of(min)) == 1 &&
                      SSL_CTX_set_max_proto_version(native, number_of(max)) == 1 &&
                      SSL_CTX_set_cipher_list(native, kCiphers) == 1;
  NSQ_ASSERT(is_set);
  SSL_CTX_set_options(native, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION);
  SSL_CTX_set_mode(native, SSL_MODE_RELEASE_BUFFERS);
  SSL_CTX_set_default_passwd_cb(native, no_passphrase);
  return context;
}

Result<void> load_pair(SSL_CTX* native, const std::string& cert_file, const std::string& key_file) {
  if (auto readable = check_readable(cert_file); !readable) return readable;
  if (auto readable = check_readable(key_file); !readable) return readable;
  if (SSL_CTX_use_certificate_chain_file(native, cert_file.c_str()) != 1)
    return bad("certificate " + cert_file);
  if (SSL_CTX_use_PrivateKey_file(native, key_file.c_str(), SSL_FILETYPE_PEM) != 1)
    return bad("key " + key_file);
  if (SSL_CTX_check_private_key(native) != 1) return bad("key " + key_file);
  return {};
}

Result<void> load_authorities(SSL_CTX* native, const std::string& root_ca_file) {
  if (root_ca_file.empty()) {
    SSL_CTX_set_default_verify_paths(native);
    ERR_clear_error();  // a system without authorities trusts nobody
    return {};
  }
  if (auto readable = check_readable(root_ca_file); !readable) return readable;
  if (SSL_CTX_load_verify_file(native, root_ca_file.c_str()) != 1) {
    ERR_clear_error();
    return Error(LayerErrc::BadCertificate, "failed to append certificate to pool");
  }
  return {};
}

int accept_any_certificate(X509_STORE_CTX* store, void*) {
  X509_STORE_CTX_set_error(store, X509_V_OK);
  return 1;
}

int verify_certificate(X509_STORE_CTX* store, void*) {
  X509_VERIFY_PARAM_set_auth_level(X509_STORE_CTX_get0_param(store), kCertificateSecurityLevel);
  return X509_verify_cert(store) > 0 ? 1 : 0;
}

bool is_ip_address(const std::string& host) {
  in6_addr address{};
  return inet_pton(AF_INET, host.c_str(), &address) == 1 ||
         inet_pton(AF_INET6, host.c_str(), &address) == 1;
}

SSL* make_connection(SSL_CTX* context) {
  ERR_clear_error();
  SSL* native = SSL_new(context);
  if (native == nullptr) throw std::bad_alloc();
  return native;
}

}  // namespace

std::optional<TlsVersion> parse_tls_version(std::string_view word) {
  if (word == "tls1.0") return TlsVersion::Tls10;
  if (word == "tls1.1") return TlsVersion::Tls11;
  if (word == "tls1.2") return TlsVersion::Tls12;
  if (word == "tls1.3") return TlsVersion::Tls13;
  return std::nullopt;
}

TlsContext::TlsContext(ssl_ctx_st* native, bool verifies) : native_(native), verifies_(verifies) {}

TlsContext::~TlsContext() {
  SSL_CTX_free(native_);
}

Result<std::shared_ptr<const TlsContext>> TlsContext::for_server(const TlsServerOptions& options) {
  Handle context = make_context(TLS_server_method(), options.min_version, TlsVersion::Tls13);
  SSL_CTX* native = context.get();
  if (auto loaded = load_pair(native, options.cert_file, options.key_file); !loaded)
    return loaded.error();
  // Read even if no certificate is asked for: a mistake in it shall not wait for the day one is.
  if (!options.root_ca_file.empty() ||
      options.client_certificates == ClientCertificates::Verified) {
    if (auto loaded = load_authorities(native, options.root_ca_file); !loaded)
      return loaded.error();
  }
  if (options.client_certificates != ClientCertificates::NotAsked) {
    SSL_CTX_set_verify(native, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
    const bool is_verified = options.client_certificates == ClientCertificates::Verified;
    SSL_CTX_set_cert_verify_callback(
        native, is_verified ? verify_certificate : accept_any_certificate, nullptr);
  }
  // Everything that a session needs is in the ticket.
  SSL_CTX_set_session_cache_mode(native, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_session_id_context(native, kSessionContext, sizeof kSessionContext - 1);
  SSL_CTX_set_num_tickets(native, 1);
  SSL_CTX_set_options(native, SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA);
  return std::shared_ptr<const TlsContext>(new TlsContext(context.release(), false));
}

Result<std::shared_ptr<const TlsContext>> TlsContext::for_client(const TlsClientOptions& options) {
  Handle context = make_context(TLS_client_method(), options.min_version, options.max_version);
  SSL_CTX* native = context.get();
  if (!options.cert_file.empty() || !options.key_file.empty()) {
    if (auto loaded = load_pair(native, options.cert_file, options.key_file); !loaded)
      return loaded.error();
  }
  if (auto loaded = load_authorities(native, options.root_ca_file); !loaded) return loaded.error();
  const bool verifies = !options.insecure_skip_verify;
  SSL_CTX_set_verify(native, verifies ? SSL_VERIFY_PEER : SSL_VERIFY_NONE, nullptr);
  if (verifies) SSL_CTX_set_cert_verify_callback(native, verify_certificate, nullptr);
  return std::shared_ptr<const TlsContext>(new TlsContext(context.release(), verifies));
}

std::unique_ptr<TlsLayer> TlsContext::accept(const std::shared_ptr<const TlsContext>& context) {
  SSL* native = make_connection(context->native_);
  SSL_set_accept_state(native);
  return std::make_unique<TlsLayer>(context, native);
}

std::unique_ptr<TlsLayer> TlsContext::connect(const std::shared_ptr<const TlsContext>& context,
                                              const std::string& host) {
  SSL* native = make_connection(context->native_);
  auto layer = std::make_unique<TlsLayer>(context, native);
  SSL_set_connect_state(native);
  X509_VERIFY_PARAM* expected = SSL_get0_param(native);
  // Servers are named by name only; one called by its address must have that in its certificate.
  if (is_ip_address(host)) {
    if (context->verifies_) X509_VERIFY_PARAM_set1_ip_asc(expected, host.c_str());
  } else {
    SSL_set_tlsext_host_name(native, host.c_str());
    X509_VERIFY_PARAM_set_hostflags(expected, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    if (context->verifies_) X509_VERIFY_PARAM_set1_host(expected, host.data(), host.size());
  }
  ERR_clear_error();  // a host too long for a name fails the verification
  return layer;
}

}  // namespace nsq::net
