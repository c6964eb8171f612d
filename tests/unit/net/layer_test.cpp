#include "net/layer.h"

#include "net/deflate_layer.h"
#include "net/snappy_layer.h"
#include "net/tls_context.h"
#include "net/tls_layer.h"
#include "support/certificates.h"
#include "unit/net/layer_fixture.h"

using namespace nsq::net;
using namespace nsq::net::test;

namespace {

// Both ends of a connection with TLS, as stacks to which something can be added.
struct TlsStacks {
  TlsStacks() {
    const nsq::test::Certificates made;
    auto accepted = TlsContext::accept(
        TlsContext::for_server({.cert_file = made.server().cert, .key_file = made.server().key})
            .value());
    auto connected = TlsContext::connect(
        TlsContext::for_client({.root_ca_file = made.ca()}).value(), "localhost");
    std::string to_server;
    std::string to_client;
    std::string_view wire;
    REQUIRE(connected->handshake(wire));
    connected->flush(to_server);
    wire = to_server;
    REQUIRE(accepted->handshake(wire));
    accepted->flush(to_client);
    wire = to_client;
    REQUIRE(connected->handshake(wire).value());
    to_server.clear();
    connected->flush(to_server);
    wire = to_server;
    REQUIRE(accepted->handshake(wire).value());
    server.push(std::move(accepted));
    client.push(std::move(connected));
  }

  LayerStack server;
  LayerStack client;
};

void push(LayerStack& stack, bool deflate) {
  if (deflate) {
    stack.push(std::make_unique<DeflateLayer>(6));
  } else {
    stack.push(std::make_unique<SnappyLayer>());
  }
}

}  // namespace

TEST_CASE("without layers bytes stay what they are", "[net]") {
  LayerStack stack;
  CHECK(encoded(stack, "hello") == "hello");
  CHECK(decoded(stack, "hello", 2) == "hello");
  CHECK(!stack.is_at_end());
}

TEST_CASE("compressed bytes travel in TLS, however they are cut", "[net]") {
  for (const bool deflate : {false, true}) {
    TlsStacks stacks;
    push(stacks.server, deflate);
    push(stacks.client, deflate);
    for (const std::string& plain :
         {std::string("x"), noise(300'000), std::string(1'000'000, 'a')}) {
      REQUIRE(decoded(stacks.client, encoded(stacks.server, plain), 1000) == plain);
      REQUIRE(decoded_in_pieces(stacks.server, encoded(stacks.client, plain), 1) == plain);
    }
  }
}

TEST_CASE("what was sent before a layer is added is not compressed", "[net]") {
  TlsStacks stacks;
  CHECK(decoded(stacks.client, encoded(stacks.server, "OK")) == "OK");
  push(stacks.server, true);
  push(stacks.client, true);
  CHECK(decoded(stacks.client, encoded(stacks.server, "OK")) == "OK");
}

TEST_CASE("what came too early is decoded by the layer that it was meant for", "[net]") {
  TlsStacks stacks;
  push(stacks.client, true);
  const std::string early = decoded(stacks.server, encoded(stacks.client, "early"));
  stacks.server.push(std::make_unique<DeflateLayer>(6), early);
  CHECK(decoded(stacks.server, encoded(stacks.client, " and late"), 3) == "early and late");
}

TEST_CASE("the end of any layer is the end of the stack, after all that came before", "[net]") {
  TlsStacks stacks;
  push(stacks.server, false);
  push(stacks.client, false);
  std::string wire = encoded(stacks.client, noise(100'000));
  stacks.client.end(wire);
  CHECK(decoded(stacks.server, wire, 100) == noise(100'000));
  CHECK(stacks.server.is_at_end());
}
