#include "net/address.h"

#include "net/net_error.h"
#include "support/catch.h"

using nsq::net::Address;
using nsq::net::NetErrc;

namespace {

std::vector<std::string> resolved(std::string_view text) {
  const auto endpoints = resolve(Address::parse(text));
  REQUIRE(endpoints);
  std::vector<std::string> texts;
  for (const auto& endpoint : *endpoints) texts.push_back(nsq::net::to_text(endpoint));
  return texts;
}

}  // namespace

TEST_CASE("what splits into host and port is a TCP address", "[net]") {
  for (const auto& [text, host, port] : std::vector<std::array<std::string, 3>>{
           {"127.0.0.1:4150", "127.0.0.1", "4150"},
           {"[::1]:0", "::1", "0"},
           {"example.com:http", "example.com", "http"},
           {":4150", "", "4150"},
           {"[fe80::1%eth0]:1", "fe80::1%eth0", "1"},
           {"host:", "host", ""},
       }) {
    const Address address = Address::parse(text);
    INFO(text);
    CHECK(address.is_tcp());
    CHECK(address.host() == host);
    CHECK(address.port() == port);
    CHECK(address.text() == text);
  }
}

TEST_CASE("anything else is the path of a Unix socket", "[net]") {
  for (const char* text : {"", "/run/nsqd.sock", "127.0.0.1", "::1:4150", "[::1]", "[::1]4150",
                           "a[b]:1", "[::1:4150", "::1]:4150", "[[::1]]:1", "host:]"}) {
    INFO(text);
    CHECK_FALSE(Address::parse(text).is_tcp());
    CHECK(Address::parse(text).path() == text);
  }
}

TEST_CASE("all interfaces means both families, whichever way it is written", "[net]") {
  for (const char* text : {":7", "0.0.0.0:7", "[::]:7"}) {
    CHECK(resolved(text) == std::vector<std::string>{"[::]:7", "0.0.0.0:7"});
  }
  CHECK(resolved("127.0.0.1:7") == std::vector<std::string>{"127.0.0.1:7"});
  CHECK(resolved("[::1]:7") == std::vector<std::string>{"[::1]:7"});
}

TEST_CASE("an address that cannot be used says why", "[net]") {
  CHECK(resolve(Address::parse("127.0.0.1:70000")).error() == NetErrc::UnknownPort);
  CHECK(resolve(Address::parse("127.0.0.1:-1")).error() == NetErrc::UnknownPort);
  CHECK(resolve(Address::parse("127.0.0.1:4150x")).error() == NetErrc::UnknownPort);
  CHECK(resolve(Address::parse(std::string(200, 'x'))).error() == NetErrc::PathTooLong);
}

TEST_CASE("a Unix socket's endpoint is shown as its path", "[net]") {
  CHECK(nsq::net::to_text(*nsq::net::unix_endpoint("/tmp/x.sock")) == "/tmp/x.sock");
  CHECK(nsq::net::to_text(*nsq::net::unix_endpoint("")) == "@");
  CHECK(nsq::net::port_of(*nsq::net::unix_endpoint("/tmp/x.sock")) == -1);
}
