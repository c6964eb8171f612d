#include "daemon/client_layers.h"

#include <chrono>
#include <string>
#include <vector>

#include "support/catch.h"
#include "support/certificates.h"
#include "support/quiet_log.h"
#include "unit/daemon/connection_fixture.h"
#include "unit/daemon/layered_client.h"
#include "unit/daemon/session_fixture.h"

using namespace nsq;
using namespace nsq::daemon;
using namespace nsq::daemon::test;
using namespace std::chrono_literals;

namespace {

const nsq::test::Certificates& made() {
  static const nsq::test::Certificates certificates;
  return certificates;
}
std::shared_ptr<const net::TlsContext> server_tls(net::TlsServerOptions options = {}) {
  options.cert_file = made().server().cert;
  options.key_file = made().server().key;
  return net::TlsContext::for_server(options).value();
}
std::shared_ptr<const net::TlsContext> client_tls(net::TlsClientOptions options = {}) {
  options.root_ca_file = made().ca();
  return net::TlsContext::for_client(options).value();
}

// A daemon with a certificate.
struct TlsFixture {
  explicit TlsFixture(Options options = {}, net::TlsServerOptions tls = {})
      : daemon(std::move(options), {}, 1, server_tls(std::move(tls))) {}

  nsq::test::QuietLog quiet;
  ConnectionFixture daemon;
};

const std::string kAllTls = R"({"feature_negotiation":true,"tls_v1":true)";
const std::vector<std::string> kCombinations{
    R"({"feature_negotiation":true,"snappy":true})",
    R"({"feature_negotiation":true,"deflate":true})",
    kAllTls + "}",
    kAllTls + R"(,"snappy":true})",
    kAllTls + R"(,"deflate":true,"deflate_level":1})",
};

// Bytes that no codec makes smaller.
std::string noise(std::size_t size) {
  std::string bytes(size, '\0');
  std::uint64_t state = 7;
  for (char& byte : bytes) {
    state = state * 6364136223846793005ULL + 1442695040888963407ULL;
    byte = static_cast<char>(state >> 56);
  }
  return bytes;
}

std::string body_of(const std::string& message) {
  return message.substr(protocol::kMessageHeaderBytes);
}
std::string id_of(const std::string& message) {
  return message.substr(10, protocol::kMessageIdBytes);
}

}  // namespace

TEST_CASE("a client's bytes travel in what IDENTIFY has agreed on", "[daemon]") {
  TlsFixture fixture;
  for (const std::string& json : kCombinations) {
    LayeredClient client(fixture.daemon.port());
    const std::string reply = client.negotiate(json, client_tls());
    for (const char* name : {"tls_v1", "snappy", "deflate"}) {
      const std::string asked = std::string("\"") + name + "\":true";
      CHECK((reply.find(asked) == std::string::npos) == (json.find(asked) == std::string::npos));
    }
    client.send(pub("t", "hello") + pub("t", noise(100'000)) + "SUB t c\nRDY 10\n");
    for (int i = 0; i < 3; ++i) CHECK(client.next() == "OK");
    for (const std::string& body : {std::string("hello"), noise(100'000)}) {
      const std::string message = client.next();
      CHECK(body_of(message) == body);
      client.send("FIN " + id_of(message) + "\n");
    }
    client.send("FOO\n");
    CHECK(client.next() == "E_INVALID invalid command FOO");
    CHECK(client.next().front() == '<');
  }
}

TEST_CASE("what a client's bytes travel in is shown", "[daemon]") {
  TlsFixture fixture;
  LayeredClient client(fixture.daemon.port());
  client.negotiate(kAllTls + R"(,"snappy":true})", client_tls());
  const ClientInfo info = fixture.daemon.service->connections().at(0)->info();
  CHECK(info.tls);
  CHECK(info.tls_version == "TLS1.3");
  CHECK(info.tls_cipher_suite == "TLS_AES_256_GCM_SHA384");
  CHECK(info.tls_negotiated_protocol == "");
  CHECK(info.snappy);
  CHECK_FALSE(info.deflate);
}

TEST_CASE("megabytes of noise pass both ways at once, whatever they travel in", "[daemon]") {
  constexpr std::size_t kBodyBytes = std::size_t{4} << 20;
  constexpr int kBodies = 4;
  Options options;
  options.max_msg_size = options.max_body_size = 2 * kBodyBytes;
  TlsFixture fixture(options);
  const std::string body = noise(kBodyBytes);
  for (std::size_t i = 0; i < kCombinations.size(); ++i) {
    const std::string topic = "t" + std::to_string(i);
    LayeredClient client(fixture.daemon.port());
    client.negotiate(kCombinations[i], client_tls());
    client.send("SUB " + topic + " c\nRDY 100\n");
    REQUIRE(client.next() == "OK");
    // All of it is on its way before the first answer is read.
    for (int j = 0; j < kBodies; ++j) client.send(pub(topic, body));
    int answers = 0;
    int messages = 0;
    while (answers < kBodies || messages < kBodies) {
      const std::string frame = client.next();
      if (frame == "OK") {
        ++answers;
      } else {
        REQUIRE(frame.size() > kBodyBytes);
        REQUIRE(body_of(frame) == body);
        client.send("FIN " + id_of(frame) + "\n");
        ++messages;
      }
    }
  }
}

TEST_CASE("bytes that come before the upgrade are meant for the layer to come", "[daemon]") {
  TlsFixture fixture;
  const std::string identify = "IDENTIFY\n" + sized(kCombinations[0]);
  std::string early;
  net::SnappyLayer encoder;
  encoder.encode(pub("t", "early"), early);
  encoder.flush(early);
  LayeredClient client(fixture.daemon.port());
  client.send_raw(identify + early);
  CHECK(client.next().front() == '{');
  client.push(std::make_unique<net::SnappyLayer>());
  CHECK(client.next() == "OK");

  const auto hello = net::TlsContext::connect(client_tls(), "localhost");
  std::string_view nothing;
  REQUIRE(hello->handshake(nothing));
  std::string first_flight;
  hello->flush(first_flight);
  LayeredClient eager(fixture.daemon.port());
  eager.send_raw("IDENTIFY\n" + sized(kCombinations[2]) + first_flight);
  CHECK(eager.next().front() == '{');
  CHECK(eager.next_raw().substr(0, 2) == "\x16\x03");  // the server's part of the handshake
}

TEST_CASE("a client that does not speak TLS after asking for it is told in the clear", "[daemon]") {
  TlsFixture fixture;
  LayeredClient client(fixture.daemon.port());
  client.send("IDENTIFY\n" + sized(kCombinations[2]));
  CHECK(client.next().front() == '{');
  client.send("NOP\n");
  CHECK(client.next() ==
        "E_IDENTIFY_FAILED IDENTIFY failed first record does not look like a TLS handshake");
  CHECK(client.next() == "<closed>");
}

TEST_CASE("a handshake that fails ends the connection in TLS's own words", "[daemon]") {
  TlsFixture fixture({}, {.min_version = net::TlsVersion::Tls13});
  LayeredClient client(fixture.daemon.port());
  client.send("IDENTIFY\n" + sized(kCombinations[2]));
  CHECK(client.next().front() == '{');
  const auto old =
      net::TlsContext::connect(client_tls({.max_version = net::TlsVersion::Tls12}), "localhost");
  std::string_view nothing;
  REQUIRE(old->handshake(nothing));
  std::string hello;
  old->flush(hello);
  client.send_raw(hello);
  CHECK(client.next_raw().substr(0, 1) == "\x15");  // an alert
  CHECK(client.next_raw() == "<closed>");
  CHECK(ConnectionFixture::eventually(
      [&] { return fixture.daemon.service->closed_count(CloseReason::UpgradeFailed) == 1; }));
}

TEST_CASE("a daemon stops while clients are in the middle of a handshake", "[daemon]") {
  LayeredClient* clients[2] = {};
  {
    TlsFixture fixture;
    for (LayeredClient*& client : clients) {
      client = new LayeredClient(fixture.daemon.port());
      client->send("IDENTIFY\n" + sized(kCombinations[2]));
      CHECK(client->next().front() == '{');
    }
    clients[1]->send_raw("\x16\x03\x01");  // and no more of it
  }
  for (LayeredClient* client : clients) {
    CHECK(client->next_raw().front() == '<');
    delete client;
  }
}

TEST_CASE("damaged input ends the connection, and only that", "[daemon]") {
  TlsFixture fixture;
  for (const std::string& json : kCombinations) {
    LayeredClient client(fixture.daemon.port());
    client.negotiate(json, client_tls());
    client.send_raw(std::string(50, '\xff'));
    CHECK(client.next().front() == '<');
  }
  CHECK(ConnectionFixture::eventually([&] {
    return fixture.daemon.service->closed_count(CloseReason::BadEncoding) == kCombinations.size();
  }));
}

TEST_CASE("a few bytes may stand for very many commands", "[daemon]") {
  ConnectionFixture daemon;
  LayeredClient client(daemon.port());
  client.negotiate(kCombinations[1]);
  std::string commands;
  for (int i = 0; i < 1'000'000; ++i) commands += "NOP\n";
  client.send(commands + pub("t", "last"));
  CHECK(client.next() == "OK");
}

TEST_CASE("a command may be larger than what is decoded at once", "[daemon]") {
  ConnectionFixture daemon;
  LayeredClient client(daemon.port());
  client.negotiate(kCombinations[1]);
  client.send(mpub("t", std::vector<std::string>(100, std::string(50'000, 'x'))) +
              pub("t", "after it"));
  CHECK(client.next() == "OK");
  CHECK(client.next() == "OK");
}

TEST_CASE("a second IDENTIFY leaves TLS and compression as they are", "[daemon]") {
  TlsFixture fixture;
  LayeredClient client(fixture.daemon.port());
  client.negotiate(kAllTls + R"(,"snappy":true})", client_tls());
  client.send("IDENTIFY\n" + sized(kAllTls + R"(,"deflate":true,"output_buffer_size":4096})"));
  const std::string reply = client.next();
  for (const char* name : {"tls_v1", "snappy", "deflate"})
    CHECK(reply.find(std::string("\"") + name + "\":false") != std::string::npos);
  client.send("NOP\n" + pub("t", "hello"));
  CHECK(client.next() == "OK");
}

TEST_CASE("compression may be asked for when TLS is there already", "[daemon]") {
  TlsFixture fixture;
  LayeredClient client(fixture.daemon.port());
  client.negotiate(kCombinations[2], client_tls());
  client.negotiate(kCombinations[1]);
  client.send(pub("t", "hello"));
  CHECK(client.next() == "OK");
}

TEST_CASE("a client that does not read its answers in TLS is not read from either", "[daemon]") {
  TlsFixture fixture;
  LayeredClient client(fixture.daemon.port());
  client.negotiate(kAllTls + R"(,"deflate":true,"heartbeat_interval":60000})", client_tls());
  client.send("SUB t c\n");
  CHECK(client.next() == "OK");
  // Answers that do not compress, as each names the id it is about.
  constexpr int kLines = 200'000;
  std::string lines;
  for (int i = 0; i < kLines; ++i) {
    std::string id = std::to_string(std::uint64_t{0x9e3779b97f4a7c15} * static_cast<unsigned>(i));
    id.resize(16, '0');
    lines += "FIN " + id + "\n";
  }
  client.send(lines);
  std::this_thread::sleep_for(200ms);
  int answers = 0;
  while (answers < kLines && client.next().starts_with("E_FIN_FAILED")) ++answers;
  CHECK(answers == kLines);
  CHECK(client.has_sent_all());
}

TEST_CASE("a consumer in TLS that reads late gets everything", "[daemon]") {
  TlsFixture fixture;
  LayeredClient late(fixture.daemon.port());
  late.negotiate(kAllTls + R"(,"snappy":true})", client_tls());
  late.send("SUB t late\nRDY 2500\n");
  CHECK(late.next() == "OK");
  LayeredClient producer(fixture.daemon.port());
  const std::string body = noise(10'000);
  for (int i = 0; i < 10; ++i) {
    producer.send(mpub("t", std::vector<std::string>(100, body)));
    REQUIRE(producer.next() == "OK");
  }
  for (int i = 0; i < 1000; ++i) REQUIRE(body_of(late.next()) == body);
}

TEST_CASE("heartbeats come through TLS and compression, and silence ends the connection",
          "[daemon][slow]") {
  TlsFixture fixture;
  LayeredClient client(fixture.daemon.port());
  client.negotiate(kAllTls + R"(,"deflate":true,"heartbeat_interval":1000})", client_tls());
  CHECK(client.next() == "_heartbeat_");
  CHECK(client.next().front() == '<');
}

TEST_CASE("a client that begins no handshake is told so after a while", "[daemon][slow]") {
  TlsFixture fixture;
  LayeredClient client(fixture.daemon.port());
  client.send("IDENTIFY\n" + sized(kCombinations[2]));
  CHECK(client.next().front() == '{');
  CHECK(client.next() == "E_IDENTIFY_FAILED IDENTIFY failed i/o timeout");
  CHECK(client.next() == "<closed>");
}
