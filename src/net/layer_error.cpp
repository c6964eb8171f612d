#include "net/layer_error.h"

#include <string>

namespace nsq::net {
namespace {

class LayerCategory final : public std::error_category {
 public:
  const char* name() const noexcept override { return "nsq.layer"; }
  std::string message(int code) const override {
    switch (static_cast<LayerErrc>(code)) {
      case LayerErrc::BadSnappy:
        return "bad snappy data";
      case LayerErrc::BadDeflate:
        return "bad deflate data";
      case LayerErrc::HandshakeFailed:
        return "TLS handshake failed";
      case LayerErrc::NotTls:
        return "first record does not look like a TLS handshake";
      case LayerErrc::PlainHttp:
        return "HTTP without TLS";
      case LayerErrc::BadTls:
        return "TLS failed";
      case LayerErrc::BadCertificate:
        return "certificate, key or authority cannot be used";
    }
    return "unknown error of a layer";
  }
};

}  // namespace

std::error_code make_error_code(LayerErrc code) {
  static const LayerCategory category;
  return {static_cast<int>(code), category};
}

}  // namespace nsq::net
