#include "support/certificates.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <stdexcept>

namespace nsq::test {
namespace {

using Key = std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)>;
using Certificate = std::unique_ptr<X509, decltype(&X509_free)>;

constexpr long kDay = 24L * 60 * 60;

void check(bool good, const char* what) {
  if (!good) throw std::runtime_error(std::string("certificates for the test: ") + what);
}

struct Identity {
  Key key;
  Certificate certificate;
};

void add_extension(X509* certificate, X509* issuer, int nid, const char* value) {
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, &context, nid, value);
  check(extension != nullptr && X509_add_ext(certificate, extension, -1) == 1, "extension");
  X509_EXTENSION_free(extension);
}

// Vouched for by `issuer`, or by itself.
Identity make(const char* name, const Identity* issuer, const char* alternative_names) {
  static long serial = 1;
  Identity made{Key(EVP_EC_gen("P-256"), &EVP_PKEY_free), Certificate(X509_new(), &X509_free)};
  X509* certificate = made.certificate.get();
  check(made.key && certificate != nullptr, "key");
  X509_set_version(certificate, X509_VERSION_3);
  ASN1_INTEGER_set(X509_get_serialNumber(certificate), serial++);
  X509_gmtime_adj(X509_getm_notBefore(certificate), -kDay);
  X509_gmtime_adj(X509_getm_notAfter(certificate), 10 * kDay);
  X509_set_pubkey(certificate, made.key.get());
  X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate), "CN", MBSTRING_UTF8,
                             reinterpret_cast<const unsigned char*>(name), -1, -1, 0);
  X509* issued_by = issuer != nullptr ? issuer->certificate.get() : certificate;
  X509_set_issuer_name(certificate, X509_get_subject_name(issued_by));
  if (issuer == nullptr)
    add_extension(certificate, issued_by, NID_basic_constraints, "critical,CA:TRUE");
  if (alternative_names != nullptr)
    add_extension(certificate, issued_by, NID_subject_alt_name, alternative_names);
  EVP_PKEY* signing = issuer != nullptr ? issuer->key.get() : made.key.get();
  check(X509_sign(certificate, signing, EVP_sha256()) > 0, "signature");
  return made;
}

template <typename Write>
void write_file(const std::string& path, Write write) {
  std::FILE* file = std::fopen(path.c_str(), "wb");
  check(file != nullptr, "file");
  const bool written = write(file) == 1;
  check(std::fclose(file) == 0 && written, "file");
}

void write_certificate(const std::string& path, const Identity& identity) {
  write_file(path,
             [&](std::FILE* file) { return PEM_write_X509(file, identity.certificate.get()); });
}

void write_pair(const std::string& stem, const Identity& identity) {
  write_certificate(stem + ".pem", identity);
  write_file(stem + ".key", [&](std::FILE* file) {
    return PEM_write_PrivateKey(file, identity.key.get(), nullptr, nullptr, 0, nullptr, nullptr);
  });
}

std::string make_directory() {
  std::string path = (std::filesystem::temp_directory_path() / "nsq-tls-XXXXXX").string();
  check(::mkdtemp(path.data()) != nullptr, "directory");
  return path;
}

}  // namespace

Certificates::Certificates() : directory_(make_directory()) {
  static constexpr const char* here = "DNS:localhost,IP:127.0.0.1,IP:::1";
  const Identity authority = make("test authority", nullptr, nullptr);
  const Identity other = make("other authority", nullptr, nullptr);
  write_certificate(ca(), authority);
  write_certificate(other_ca(), other);
  write_pair(directory_ + "/server", make("server", &authority, here));
  write_pair(directory_ + "/client", make("client", &authority, nullptr));
  write_pair(directory_ + "/stranger", make("stranger", &other, here));
}

Certificates::~Certificates() {
  std::error_code ignored;  // what is left behind is in the temporary directory
  std::filesystem::remove_all(directory_, ignored);
}

Certificates::Pair Certificates::pair(const std::string& name) const {
  return {directory_ + "/" + name + ".pem", directory_ + "/" + name + ".key"};
}

}  // namespace nsq::test
