// Servers that are broken or mean no good: each gets a clear error and a new attempt, later.
#include <chrono>
#include <string>

#include "nsq/client_error.h"
#include "unit/client/client_fixture.h"

using namespace nsq;
using namespace nsq::test;
using namespace std::chrono_literals;

namespace {

// Connects to a daemon whose first session does something wrong after SUB; expects `reason` in the
// log, and a second session that works.
void recovers_from(const std::function<void(FakeSession&)>& wrong, const std::string& reason,
                   std::chrono::milliseconds read_timeout = 10s) {
  CAPTURE(reason);
  FakeDaemon daemon({[&](FakeSession& session) {
                       session.subscribe();
                       wrong(session);
                       session.is_closed_by_client();
                       return Lines{};
                     },
                     [](FakeSession& session) {
                       session.subscribe();
                       session.deliver(kId, "at last");
                       Lines seen;
                       for (std::string line; (line = session.line()) != "end";) {
                         if (line.starts_with("FIN")) seen.push_back(line);
                         if (line == "CLS") session.respond("CLOSE_WAIT");
                       }
                       return seen;
                     }});
  ConsumerFixture fixture;
  fixture.options.config.read_timeout = read_timeout;
  fixture.options.config.heartbeat_interval = 100ms;
  fixture.options.config.max_msg_size = 100'000;
  fixture.connect(daemon.address());
  CHECK(fixture.bodies.wait_for_text("at last"));
  CHECK(fixture.log.wait_for_text(reason));
  fixture.stop();
  CHECK(daemon.transcript() == Lines{fin()});
}

// What connecting to a daemon says that answers IDENTIFY with `answer`, as raw bytes.
Error refusal_of(std::string_view answer, Config config = quick_config()) {
  FakeDaemon daemon({[&](FakeSession& session) {
    session.raw(answer);
    session.is_closed_by_client();
    return Lines{};
  }});
  ConsumerFixture fixture;
  fixture.options.config = config;
  fixture.options.config.read_timeout = 300ms;
  fixture.options.config.heartbeat_interval = 100ms;
  const auto connected = fixture.make().connect_to_nsqd(daemon.address());
  REQUIRE(!connected);
  return connected.error();
}

std::string frame(char type, std::string_view data) {
  std::string bytes(3, '\0');
  bytes += static_cast<char>(data.size() + 4);
  bytes += std::string(3, '\0') + type;
  return bytes.append(data);
}

}  // namespace

TEST_CASE("a server that breaks the protocol is left, and tried again", "[client]") {
  recovers_from([](FakeSession& session) { session.raw("\x7f\xff\xff\xff\0\0\0\2"); },
                "a frame of an impossible size");
  recovers_from(
      [](FakeSession& session) { session.raw(std::string("\xff\xff\xff\xff\0\0\0\2", 8)); },
      "a frame of an impossible size");
  recovers_from([](FakeSession& session) { session.raw(std::string("\0\0\0\1\0\0\0\2", 8)); },
                "a frame of an impossible size");
  recovers_from([](FakeSession& session) { session.raw(frame(7, "what")); },
                "a frame of an unknown type");
  recovers_from([](FakeSession& session) { session.raw(frame(2, "short")); },
                "a message too short to be one");
  recovers_from([](FakeSession& session) { session.refuse("E_INVALID RDY count"); },
                "protocol error - E_INVALID RDY count");
  recovers_from([](FakeSession& session) { session.deliver(kId, std::string(200'000, 'x')); },
                "a frame of an impossible size");
}

TEST_CASE("a server that goes silent is left, and tried again", "[client]") {
  recovers_from([](FakeSession&) {}, "the daemon has gone silent", 200ms);
}

TEST_CASE("a server that delivers without end what nobody asked for is left", "[client]") {
  recovers_from(
      [](FakeSession& session) {
        std::string many;
        for (int i = 0; i < 10'000; ++i) {
          many += frame(2, std::string(9, '\0') + '\1' + kId + "flood");
        }
        try {
          session.raw(many);
        } catch (const ConnectionLost&) {
          // The client has had enough before the end.
        }
      },
      "many more messages than were asked for");
}

TEST_CASE("a server that is none says so when connecting", "[client]") {
  CHECK(refusal_of("HTTP/1.1 400 Bad Request\r\n\r\n") == ClientErrc::HttpPort);
  CHECK(refusal_of("SSH-2.0-OpenSSH_9.2\r\n") == ClientErrc::NotNsq);
  CHECK(refusal_of(frame(0, "{nonsense")) == ClientErrc::NotNsq);
  CHECK(refusal_of(frame(2, std::string(30, 'x'))) == ClientErrc::NotNsq);
  const Error refused = refusal_of(frame(1, "E_BAD_BODY IDENTIFY"));
  CHECK(refused == ClientErrc::Refused);
  CHECK(refused.context() == "failed to IDENTIFY - E_BAD_BODY IDENTIFY");
}

TEST_CASE("a server that never answers IDENTIFY is given up", "[client]") {
  CHECK(refusal_of("") == ClientErrc::Silent);
  CHECK(refusal_of(std::string("\0\0\0", 3)) == ClientErrc::Silent);
}

TEST_CASE("endless heartbeats are no answer", "[client]") {
  FakeDaemon daemon({[](FakeSession& session) {
    try {
      for (int i = 0; i < 1'000'000; ++i) {
        session.heartbeat();
        std::this_thread::sleep_for(1ms);
      }
    } catch (const ConnectionLost&) {
      return Lines{"closed"};
    }
    return Lines{};
  }});
  ConsumerFixture fixture;
  fixture.options.config.read_timeout = 200ms;
  fixture.options.config.heartbeat_interval = 100ms;
  const auto connected = fixture.make().connect_to_nsqd(daemon.address());
  REQUIRE(!connected);
  CHECK(connected.error() == ClientErrc::Silent);
  CHECK(daemon.transcript() == Lines{"closed"});
}

TEST_CASE("TLS that was asked for and not granted is no connection", "[client]") {
  Config config = quick_config();
  config.tls_v1 = true;
  config.auth_secret = "not to be sent in the clear";
  CHECK(refusal_of(frame(0, R"({"tls_v1":false,"auth_required":true})"), config) ==
        ClientErrc::TlsRefused);
}

TEST_CASE("a daemon that asks for a secret nobody has is no connection", "[client]") {
  CHECK(refusal_of(frame(0, R"({"auth_required":true})")) == ClientErrc::AuthRequired);
}

TEST_CASE("AUTH is sent where it is asked for", "[client]") {
  const bool accepts = GENERATE(true, false);
  FakeDaemon daemon({[accepts](FakeSession& session) {
    session.identify(R"({"auth_required":true})");
    Lines seen{session.line(), session.body()};
    if (accepts) {
      session.respond(R"({"identity":"somebody","identity_url":"http://x","permission_count":2})");
    } else {
      session.refuse("E_AUTH_FAILED AUTH failed");
    }
    session.is_closed_by_client();
    return seen;
  }});
  ConsumerFixture fixture;
  fixture.options.config.auth_secret = "sesame";
  fixture.options.config.stop_timeout = 10ms;
  const auto connected = fixture.make().connect_to_nsqd(daemon.address());
  if (accepts) {
    CHECK(connected);
    CHECK(fixture.log.wait_for_text(
        R"(Auth accepted. Identity: "somebody" http://x Permissions: 2)"));
  } else {
    REQUIRE(!connected);
    CHECK(connected.error().to_string() ==
          "Error authenticating E_AUTH_FAILED AUTH failed: Error authenticating");
  }
  fixture.consumer.reset();
  CHECK(daemon.transcript() == Lines{"AUTH", "sesame"});
}
