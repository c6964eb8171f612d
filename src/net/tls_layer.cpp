#include "net/tls_layer.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <limits>
#include <new>
#include <utility>

#include "base/assert.h"
#include "net/layer_error.h"
#include "net/tls_context.h"
#include "net/tls_error.h"

namespace nsq::net {

constexpr std::size_t kRecordBytes = std::size_t{16} << 10;

// OpenSSL's input and output. Its own memory BIO would copy the input once more, and keep it.
struct TlsWire {
  static TlsLayer::Wire& of(BIO* bio) { return *static_cast<TlsLayer::Wire*>(BIO_get_data(bio)); }

  static int read(BIO* bio, char* room, std::size_t size, std::size_t* count) {
    std::string_view& input = of(bio).input;
    BIO_clear_retry_flags(bio);
    *count = std::min(size, input.size());
    if (*count == 0) {
      BIO_set_retry_read(bio);
      return 0;
    }
    std::memcpy(room, input.data(), *count);
    input.remove_prefix(*count);
    return 1;
  }

  static int write(BIO* bio, const char* bytes, std::size_t size, std::size_t* count) {
    BIO_clear_retry_flags(bio);
    of(bio).output.append(bytes, size);
    *count = size;
    return 1;
  }

  static long control(BIO*, int command, long, void*) { return command == BIO_CTRL_FLUSH ? 1 : 0; }

  static const BIO_METHOD* method() {
    static const BIO_METHOD* const made = [] {
      BIO_METHOD* fresh = BIO_meth_new(BIO_TYPE_SOURCE_SINK | BIO_get_new_index(), "nsq wire");
      if (fresh == nullptr) throw std::bad_alloc();
      BIO_meth_set_read_ex(fresh, read);
      BIO_meth_set_write_ex(fresh, write);
      BIO_meth_set_ctrl(fresh, control);
      return fresh;
    }();
    return made;
  }

  static void attach(SSL* native, TlsLayer::Wire& wire) {
    BIO* bio = BIO_new(method());
    if (bio == nullptr) throw std::bad_alloc();
    BIO_set_data(bio, &wire);
    BIO_set_init(bio, 1);
    SSL_set_bio(native, bio, bio);
  }
};

namespace {

std::string version_text(int version) {
  switch (version) {
    case TLS1_VERSION:
      return "TLS1.0";
    case TLS1_1_VERSION:
      return "TLS1.1";
    case TLS1_2_VERSION:
      return "TLS1.2";
    case TLS1_3_VERSION:
      return "TLS1.3";
    default:
      return "Unknown " + std::to_string(version);
  }
}

std::string common_name_of(const X509* certificate) {
  if (certificate == nullptr) return "";
  const X509_NAME* subject = X509_get_subject_name(certificate);
  const int index = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
  if (index < 0) return "";
  unsigned char* text = nullptr;
  const int size =
      ASN1_STRING_to_UTF8(&text, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, index)));
  if (size < 0) return "";
  std::string name(reinterpret_cast<char*>(text), static_cast<std::size_t>(size));
  OPENSSL_free(text);
  return name;
}

// By the first bytes: a record of a handshake, or of whatever else some other protocol begins with.
constexpr char kHandshakeRecord = 0x16;

bool is_http(std::string_view bytes) {
  static constexpr std::array<std::string_view, 9> methods{
      "GET ", "POST ", "HEAD ", "PUT ", "DELETE ", "OPTIONS ", "CONNECT ", "TRACE ", "PATCH "};
  return std::any_of(methods.begin(), methods.end(),
                     [&](std::string_view method) { return bytes.starts_with(method); });
}

}  // namespace

TlsLayer::TlsLayer(std::shared_ptr<const TlsContext> context, ssl_st* native)
    : context_(std::move(context)), wire_(std::make_unique<Wire>()), native_(native) {
  TlsWire::attach(native_, *wire_);
}

TlsLayer::~TlsLayer() {
  SSL_free(native_);
}

Result<bool> TlsLayer::handshake(std::string_view& wire) {
  if (!has_begun_ && !wire.empty()) {
    if (wire.front() != kHandshakeRecord) {
      const LayerErrc code = is_http(wire) ? LayerErrc::PlainHttp : LayerErrc::NotTls;
      return Error(code, make_error_code(code).message());
    }
    has_begun_ = true;
  }
  ERR_clear_error();
  wire_->input = wire;
  const int outcome = SSL_do_handshake(native_);
  wire = std::exchange(wire_->input, {});
  is_open_ = outcome == 1;
  if (is_open_) return true;
  if (SSL_get_error(native_, outcome) == SSL_ERROR_WANT_READ) return false;
  return Error(LayerErrc::HandshakeFailed, take_tls_reason(native_));
}

TlsInfo TlsLayer::info() const {
  TlsInfo info;
  info.version = version_text(SSL_version(native_));
  if (const SSL_CIPHER* cipher = SSL_get_current_cipher(native_))
    info.cipher_suite = SSL_CIPHER_standard_name(cipher);
  const unsigned char* protocol = nullptr;
  unsigned size = 0;
  SSL_get0_alpn_selected(native_, &protocol, &size);
  if (size > 0) info.negotiated_protocol.assign(reinterpret_cast<const char*>(protocol), size);
  info.peer_common_name = common_name_of(SSL_get0_peer_certificate(native_));
  return info;
}

Result<std::size_t> TlsLayer::decode(std::string_view& wire, std::span<char> room) {
  std::size_t written = 0;
  wire_->input = wire;
  while (written < room.size() && !is_at_end_) {
    ERR_clear_error();
    std::size_t count = 0;
    const int outcome = SSL_read_ex(native_, room.data() + written, room.size() - written, &count);
    written += count;
    if (outcome == 1) continue;
    const int problem = SSL_get_error(native_, outcome);
    if (problem == SSL_ERROR_WANT_READ) break;
    if (problem == SSL_ERROR_ZERO_RETURN) {
      is_at_end_ = true;
      break;
    }
    is_open_ = false;
    wire_->input = {};
    return Error(LayerErrc::BadTls, take_tls_reason(native_));
  }
  wire = std::exchange(wire_->input, {});
  return written;
}

void TlsLayer::encode(std::string_view plain, std::string& wire) {
  if (!is_open_) return;
  while (!plain.empty()) {
    // A whole record is encrypted from where it lies.
    if (held_back_.empty() && plain.size() >= kRecordBytes) {
      write_record(plain.substr(0, kRecordBytes));
      plain.remove_prefix(kRecordBytes);
      continue;
    }
    const std::size_t count = std::min(kRecordBytes - held_back_.size(), plain.size());
    held_back_ += plain.substr(0, count);
    plain.remove_prefix(count);
    if (held_back_.size() < kRecordBytes) break;
    write_record(held_back_);
    held_back_.clear();
  }
  wire += wire_->output;
  wire_->output.clear();
}

void TlsLayer::write_record(std::string_view plain) {
  ERR_clear_error();
  std::size_t count = 0;
  // There is always room for the output, so that only a connection that is over refuses.
  if (SSL_write_ex(native_, plain.data(), plain.size(), &count) != 1) is_open_ = false;
}

void TlsLayer::flush(std::string& wire) {
  if (!held_back_.empty() && is_open_) write_record(held_back_);
  std::string().swap(held_back_);
  wire += wire_->output;
  std::string().swap(wire_->output);
}

void TlsLayer::end(std::string& wire) {
  flush(wire);
  if (!is_open_) return;
  ERR_clear_error();
  SSL_shutdown(native_);
  ERR_clear_error();
  is_open_ = false;
  flush(wire);
}

}  // namespace nsq::net
