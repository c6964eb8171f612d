#include "net/tls_error.h"

#include <openssl/err.h>
#include <openssl/ssl.h>

namespace nsq::net {

std::string take_tls_reason(const ssl_st* native) {
  const unsigned long code = ERR_peek_error();
  ERR_clear_error();
  if (ERR_GET_LIB(code) == ERR_LIB_SSL && ERR_GET_REASON(code) == SSL_R_CERTIFICATE_VERIFY_FAILED &&
      native != nullptr) {
    const long outcome = SSL_get_verify_result(native);
    return std::string("certificate: ") + X509_verify_cert_error_string(outcome);
  }
  const char* reason = code == 0 ? nullptr : ERR_reason_error_string(code);
  return reason == nullptr ? "unknown TLS error" : reason;
}

}  // namespace nsq::net
