#pragma once

#include <system_error>

namespace nsq::net {

enum class LayerErrc {
  BadSnappy = 1,    // not the framing format, or damaged
  BadDeflate,       // not raw deflate, or damaged
  HandshakeFailed,  // the context says why
  NotTls,           // the far end speaks something else
  PlainHttp,        // the far end speaks HTTP without TLS
  BadTls,           // a broken record, or an alert from the far end
  BadCertificate,   // a certificate, key or authority file that cannot be used
};
std::error_code make_error_code(LayerErrc code);

}  // namespace nsq::net

template <>
struct std::is_error_code_enum<nsq::net::LayerErrc> : std::true_type {};
