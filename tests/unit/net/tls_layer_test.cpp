#include "net/tls_layer.h"

#include <filesystem>
#include <fstream>

#include "net/layer_error.h"
#include "net/tls_context.h"
#include "support/certificates.h"
#include "unit/net/layer_fixture.h"

using namespace nsq::net;
using namespace nsq::net::test;
using nsq::Result;
using nsq::test::Certificates;

namespace {

const Certificates& made() {
  static const Certificates certificates;
  return certificates;
}

TlsServerOptions server_options() {
  return {.cert_file = made().server().cert, .key_file = made().server().key};
}

std::shared_ptr<const TlsContext> server_context(const TlsServerOptions& options) {
  auto context = TlsContext::for_server(options);
  REQUIRE(context);
  return *context;
}

std::shared_ptr<const TlsContext> client_context(TlsClientOptions options = {}) {
  if (options.root_ca_file.empty()) options.root_ca_file = made().ca();
  auto context = TlsContext::for_client(options);
  REQUIRE(context);
  return *context;
}

// Two ends of one connection, with nothing but two strings between them.
struct Ends {
  explicit Ends(const std::shared_ptr<const TlsContext>& server_side,
                const std::shared_ptr<const TlsContext>& client_side,
                const std::string& host = "localhost")
      : server(TlsContext::accept(server_side)), client(TlsContext::connect(client_side, host)) {}

  // Moves the handshake on by one step of one side. Returns why it failed, if it did.
  static std::string step(TlsLayer& layer, std::string& received, std::string& to_send, bool& done,
                          std::size_t piece) {
    std::string_view wire = std::string_view(received).substr(0, piece);
    const std::size_t offered = wire.size();
    const auto outcome = layer.handshake(wire);
    received.erase(0, offered - wire.size());
    layer.flush(to_send);
    if (!outcome) return outcome.error().to_string();
    done = *outcome;
    return "";
  }

  // "", or who failed and why. Bytes are handed over in pieces.
  std::string handshake(std::size_t piece = 100'000) {
    bool client_done = false;
    bool server_done = false;
    for (int i = 0; i < 10'000 && !(client_done && server_done); ++i) {
      if (!client_done) {
        const std::string why = step(*client, to_client, to_server, client_done, piece);
        if (!why.empty()) return "client: " + why;
      }
      if (!server_done) {
        const std::string why = step(*server, to_server, to_client, server_done, piece);
        if (!why.empty()) return "server: " + why;
      }
    }
    return client_done && server_done ? "" : "never ends";
  }

  std::unique_ptr<TlsLayer> server;
  std::unique_ptr<TlsLayer> client;
  std::string to_server;
  std::string to_client;
};

}  // namespace

TEST_CASE("TLS brings bytes across in both directions, however they are cut", "[net]") {
  Ends ends(server_context(server_options()), client_context());
  REQUIRE(ends.handshake() == "");
  CHECK(decoded(*ends.client, ends.to_client) == "");  // the session's ticket
  for (const std::string& plain : {std::string("x"), noise(20'000), noise(200'000)}) {
    CHECK(decoded_in_pieces(*ends.server, encoded(*ends.client, plain), 1) == plain);
    CHECK(decoded(*ends.client, encoded(*ends.server, plain), 13) == plain);
  }
}

TEST_CASE("a handshake may come byte by byte", "[net]") {
  Ends ends(server_context(server_options()), client_context());
  REQUIRE(ends.handshake(1) == "");
  CHECK(ends.server->info().version == "TLS1.3");
}

TEST_CASE("what was agreed on is shown by its standard name", "[net]") {
  Ends newest(server_context(server_options()), client_context());
  REQUIRE(newest.handshake() == "");
  CHECK(newest.server->info().cipher_suite == "TLS_AES_256_GCM_SHA384");
  CHECK(newest.server->info().negotiated_protocol == "");
  CHECK(newest.server->info().peer_common_name == "");
  CHECK(newest.client->info().peer_common_name == "server");

  Ends older(server_context(server_options()), client_context({.max_version = TlsVersion::Tls12}));
  REQUIRE(older.handshake() == "");
  CHECK(older.server->info().version == "TLS1.2");
  CHECK(older.server->info().cipher_suite == "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384");
}

TEST_CASE("old versions are spoken where the minimum allows it", "[net]") {
  const auto old =
      client_context({.min_version = TlsVersion::Tls10, .max_version = TlsVersion::Tls10});
  Ends allowed(server_context(server_options()), old);
  REQUIRE(allowed.handshake() == "");
  CHECK(allowed.server->info().version == "TLS1.0");

  TlsServerOptions strict = server_options();
  strict.min_version = TlsVersion::Tls12;
  Ends refused(server_context(strict), old);
  CHECK(refused.handshake() == "server: unsupported protocol: TLS handshake failed");
  CHECK(refused.to_client.substr(0, 1) == "\x15");  // an alert
}

TEST_CASE("data sent along with the end of the handshake is not lost", "[net]") {
  Ends ends(server_context(server_options()), client_context());
  bool server_done = false;
  bool client_done = false;
  CHECK(Ends::step(*ends.client, ends.to_client, ends.to_server, client_done, 100'000) == "");
  CHECK(Ends::step(*ends.server, ends.to_server, ends.to_client, server_done, 100'000) == "");
  CHECK(Ends::step(*ends.client, ends.to_client, ends.to_server, client_done, 100'000) == "");
  REQUIRE(client_done);
  ends.to_server += encoded(*ends.client, "early");
  CHECK(Ends::step(*ends.server, ends.to_server, ends.to_client, server_done, 100'000) == "");
  REQUIRE(server_done);
  CHECK(decoded(*ends.server, ends.to_server) == "early");
}

TEST_CASE("a server must be vouched for, by the name it is called by", "[net]") {
  const auto server = server_context(server_options());
  for (const char* host : {"localhost", "127.0.0.1", "::1"})
    CHECK(Ends(server, client_context(), host).handshake() == "");
  CHECK(Ends(server, client_context(), "example.com").handshake() ==
        "client: certificate: hostname mismatch: TLS handshake failed");
  CHECK(Ends(server, client_context(), "127.0.0.2").handshake() ==
        "client: certificate: IP address mismatch: TLS handshake failed");

  const auto stranger =
      server_context({.cert_file = made().stranger().cert, .key_file = made().stranger().key});
  CHECK(Ends(stranger, client_context()).handshake() ==
        "client: certificate: unable to get local issuer certificate: TLS handshake failed");
  const auto careless = client_context({.insecure_skip_verify = true});
  CHECK(Ends(stranger, careless, "example.com").handshake() == "");
}

TEST_CASE("certificates of clients are asked for as the server is told to", "[net]") {
  TlsServerOptions options = server_options();
  options.root_ca_file = made().ca();
  const auto nobody = client_context();
  const auto known =
      client_context({.cert_file = made().client().cert, .key_file = made().client().key});
  const auto stranger =
      client_context({.cert_file = made().stranger().cert, .key_file = made().stranger().key});
  const std::string missing = "server: peer did not return a certificate: TLS handshake failed";

  options.client_certificates = ClientCertificates::Required;
  CHECK(Ends(server_context(options), nobody).handshake() == missing);
  CHECK(Ends(server_context(options), stranger).handshake() == "");

  options.client_certificates = ClientCertificates::Verified;
  CHECK(Ends(server_context(options), nobody).handshake() == missing);
  CHECK(Ends(server_context(options), stranger).handshake() ==
        "server: certificate: unable to get local issuer certificate: TLS handshake failed");
  Ends good(server_context(options), known);
  CHECK(good.handshake() == "");
  CHECK(good.server->info().peer_common_name == "client");
}

TEST_CASE("what is no TLS is recognised by its first byte, before anything is answered", "[net]") {
  const std::pair<std::string, LayerErrc> rows[] = {
      {"NOP\n", LayerErrc::NotTls},
      {"GET /ping HTTP/1.1\r\n", LayerErrc::PlainHttp},
      {"POST /pub?topic=t HTTP/1.1\r\n", LayerErrc::PlainHttp},
  };
  for (const auto& [bytes, code] : rows) {
    const auto layer = TlsContext::accept(server_context(server_options()));
    std::string_view wire = bytes;
    const auto outcome = layer->handshake(wire);
    REQUIRE(!outcome);
    CHECK(outcome.error().code() == code);
    CHECK(!layer->has_begun());
    std::string answer;
    layer->flush(answer);
    CHECK(answer == "");
  }
}

TEST_CASE("an endless handshake is refused before it costs much memory", "[net]") {
  const auto layer = TlsContext::accept(server_context(server_options()));
  // A ClientHello of 16 MiB, announced in fragments that never end.
  std::string record = {0x16, 3, 1, 0x40, 0x00};
  std::string first = record + std::string({1, '\xff', '\xff', '\xff'});
  first.resize(5 + 0x4000, 'x');
  std::string_view wire = first;
  auto outcome = layer->handshake(wire);
  for (int i = 0; i < 100 && outcome; ++i) {
    std::string more = record + std::string(0x4000, 'x');
    wire = more;
    outcome = layer->handshake(wire);
  }
  REQUIRE(!outcome);
  CHECK(outcome.error().code() == LayerErrc::HandshakeFailed);
}

TEST_CASE("the end of a TLS stream is seen", "[net]") {
  Ends ends(server_context(server_options()), client_context());
  REQUIRE(ends.handshake() == "");
  std::string wire = encoded(*ends.client, "last");
  ends.client->end(wire);
  CHECK(decoded(*ends.server, wire) == "last");
  CHECK(ends.server->is_at_end());
}

TEST_CASE("a damaged record ends the connection, and the far end is told", "[net]") {
  Ends ends(server_context(server_options()), client_context());
  REQUIRE(ends.handshake() == "");
  std::string wire = encoded(*ends.client, "hello");
  wire.back() ^= 1;
  CHECK(decode_error(*ends.server, wire) == "decryption failed or bad record mac: TLS failed");
  std::string alert;
  ends.server->flush(alert);
  CHECK(decode_error(*ends.client, ends.to_client + alert) ==
        "sslv3 alert bad record mac: TLS failed");
  std::string nothing;
  ends.server->encode("too late", nothing);
  ends.server->flush(nothing);
  CHECK(nothing == "");
}

TEST_CASE("small pieces share a record until they are flushed", "[net]") {
  Ends ends(server_context(server_options()), client_context());
  REQUIRE(ends.handshake() == "");
  std::string wire;
  for (int i = 0; i < 10; ++i) ends.server->encode("abc", wire);
  CHECK(wire.empty());
  ends.server->flush(wire);
  CHECK(wire.size() < 100);
  CHECK(decoded(*ends.client, ends.to_client + wire).size() == 30);
}

TEST_CASE("what cannot be loaded is refused in one line that says why", "[net]") {
  const std::string missing = made().directory() + "/missing";
  const std::string garbage = made().directory() + "/garbage";
  std::ofstream(garbage) << "not a certificate\n";
  const auto refusal = [](const TlsServerOptions& options) {
    const auto context = TlsContext::for_server(options);
    REQUIRE(!context);
    return context.error().to_string();
  };
  const auto good = made().server();
  CHECK(refusal({.cert_file = missing, .key_file = good.key}) ==
        "open " + missing + ": no such file or directory");
  CHECK(refusal({.cert_file = good.cert}) == "open : no such file or directory");
  CHECK(
      refusal({.cert_file = garbage, .key_file = good.key}).starts_with("certificate " + garbage));
  CHECK(refusal({.cert_file = good.cert, .key_file = garbage}).starts_with("key " + garbage));
  CHECK(refusal({.cert_file = good.cert, .key_file = made().client().key}) ==
        "key " + made().client().key +
            ": key values mismatch: certificate, key or authority cannot be used");
  CHECK(refusal({.cert_file = good.cert, .key_file = good.key, .root_ca_file = missing}) ==
        "open " + missing + ": no such file or directory");
  CHECK(refusal({.cert_file = good.cert, .key_file = good.key, .root_ca_file = garbage})
            .starts_with("failed to append certificate to pool"));
}
