#include "daemon/tls_settings.h"

#include <system_error>

namespace nsq::daemon {
namespace {

using Context = std::shared_ptr<const net::TlsContext>;

net::TlsVersion min_version(const Options& options) {
  return net::parse_tls_version(options.tls_min_version).value_or(net::TlsVersion::Tls10);
}

Error cannot_build(const char* what, const Error& error) {
  return Error(error.code(), std::string("failed to build ") + what + " - " + error.context());
}

}  // namespace

Result<Context> server_tls_context(const Options& options) {
  const std::string& policy = options.tls_client_auth_policy;
  if (!policy.empty() && policy != "require" && policy != "require-verify") {
    return Error(std::make_error_code(std::errc::invalid_argument),
                 "--tls-client-auth-policy must be require or require-verify");
  }
  if (options.tls_cert.empty() && options.tls_key.empty()) return Context();
  net::TlsServerOptions settings{.cert_file = options.tls_cert,
                                 .key_file = options.tls_key,
                                 .root_ca_file = options.tls_root_ca_file,
                                 .min_version = min_version(options)};
  if (policy == "require") settings.client_certificates = net::ClientCertificates::Required;
  if (policy == "require-verify") settings.client_certificates = net::ClientCertificates::Verified;
  auto context = net::TlsContext::for_server(settings);
  if (!context) return cannot_build("TLS config", context.error());
  return context;
}

Result<Context> client_tls_context(const Options& options) {
  auto context = net::TlsContext::for_client(
      {.root_ca_file = options.tls_root_ca_file, .min_version = min_version(options)});
  if (!context) return cannot_build("client TLS config", context.error());
  return context;
}

}  // namespace nsq::daemon
