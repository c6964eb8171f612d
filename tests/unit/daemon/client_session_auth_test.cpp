#include <fmt/format.h>

#include <deque>

#include "daemon/client_session.h"
#include "support/catch.h"
#include "support/quiet_log.h"
#include "unit/daemon/session_fixture.h"

using namespace nsq::daemon;
using namespace nsq::daemon::test;
using namespace std::chrono_literals;

namespace {

using Frames = std::vector<std::string>;

// An auth server that answers when the test says so.
class ManualAuthorizer final : public Authorizer {
 public:
  void ask(AuthQuestion question, std::shared_ptr<AuthWaiter> waiter) override {
    questions.push_back(std::move(question));
    waiters_.push_back(std::move(waiter));
  }
  void answer(std::string_view json) {
    auto grants = parse_auth_answer(json, patterns_);
    REQUIRE(grants);
    next()->on_auth_answer(std::make_shared<const AuthGrants>(std::move(*grants)));
  }
  void fail() {
    next()->on_auth_answer(nsq::Error(std::make_error_code(std::errc::timed_out), ""));
  }

  std::vector<AuthQuestion> questions;

 private:
  std::shared_ptr<AuthWaiter> next() {
    REQUIRE_FALSE(waiters_.empty());
    auto waiter = std::move(waiters_.front());
    waiters_.pop_front();
    return waiter;
  }

  std::deque<std::shared_ptr<AuthWaiter>> waiters_;
  AuthPatterns patterns_;
};

constexpr std::string_view kAll =
    R"({"ttl":60,"identity":"me","identity_url":"http://x/me",
        "authorizations":[{"topic":".*","channels":[".*"],"permissions":["subscribe","publish"]}]})";
constexpr std::string_view kNothing = R"({"ttl":60,"authorizations":[]})";

class AuthFixture : public SessionFixture {
 public:
  AuthFixture() : SessionFixture(with_auth(), in_memory()) {
    auto made = std::make_unique<ManualAuthorizer>();
    server = made.get();
    tools.authorizer = std::move(made);
  }

  std::shared_ptr<Client> authorized(std::string_view answer = kAll) {
    auto client = connect();
    REQUIRE(client->say("AUTH\n" + sized("secret")).empty());
    server->answer(answer);
    REQUIRE(client->listen().size() == 1);
    return client;
  }

  ManualAuthorizer* server = nullptr;
  nsq::test::QuietLog quiet;

 private:
  static Options with_auth() {
    Options options;
    options.auth_http_addresses = {"127.0.0.1:1"};
    return options;
  }
  static nsq::broker::Options in_memory() {
    nsq::broker::Options options;
    options.durability = nsq::broker::Durability::Memory;
    return options;
  }
};

}  // namespace

TEST_CASE("AUTH is answered when the auth server has answered, and commands wait until then",
          "[session]") {
  AuthFixture daemon;
  auto client = daemon.connect();
  CHECK(client->say("AUTH\n" + sized("sesame") + pub("t", "early")).empty());
  CHECK(client->progress() == ClientSession::Progress::Waiting);
  REQUIRE(daemon.server->questions.size() == 1);
  CHECK(daemon.server->questions[0].secret == "sesame");
  CHECK(daemon.server->questions[0].remote_ip == "127.0.0.1");
  CHECK(daemon.broker.find_topic("t") == nullptr);

  daemon.server->answer(kAll);
  CHECK(client->listen() ==
        Frames{R"({"identity":"me","identity_url":"http://x/me","permission_count":1})", "OK"});
  const auto info = client->session().info();
  CHECK(info.authed);
  CHECK(info.auth_identity == "me");
  CHECK(info.auth_identity_url == "http://x/me");
}

TEST_CASE("without auth servers AUTH is refused", "[session]") {
  SessionFixture daemon;
  nsq::test::QuietLog quiet;
  auto client = daemon.connect();
  CHECK(client->say("AUTH\n" + sized("x")) == Frames{"E_AUTH_DISABLED AUTH disabled"});
}

TEST_CASE("an auth server that fails ends the client's connection, with an error", "[session]") {
  AuthFixture daemon;
  auto client = daemon.connect();
  client->say("AUTH\n" + sized("x"));
  daemon.server->fail();
  CHECK(client->listen() == Frames{"E_AUTH_FAILED AUTH failed"});
  CHECK(client->progress() == ClientSession::Progress::Ended);

  auto other = daemon.connect();
  other->say("AUTH\n" + sized("x"));
  daemon.server->answer(kNothing);
  CHECK(other->listen() == Frames{"E_UNAUTHORIZED AUTH no authorizations found"});
}

TEST_CASE("a secret too long to be kept is refused without asking", "[session]") {
  AuthFixture daemon;
  auto client = daemon.connect();
  CHECK(client->say("AUTH\n" + sized(std::string((64 << 10) + 1, 'x'))) ==
        Frames{"E_AUTH_FAILED AUTH failed"});
  CHECK(daemon.server->questions.empty());
}

TEST_CASE("a second AUTH is refused", "[session]") {
  AuthFixture daemon;
  auto client = daemon.authorized();
  CHECK(client->say("AUTH\n" + sized("x")) == Frames{"E_INVALID AUTH already set"});
}

TEST_CASE("commands that need authorization are refused before AUTH, others are not", "[session]") {
  AuthFixture daemon;
  for (const auto& [command, verb] : {std::pair<std::string, std::string>{pub("t", "x"), "PUB"},
                                      {mpub("t", {"x"}), "MPUB"},
                                      {"DPUB t 0\n" + sized("x"), "DPUB"},
                                      {"SUB t c\n", "SUB"}}) {
    auto client = daemon.connect();
    CHECK(client->say("NOP\n" + command) ==
          Frames{fmt::format("E_AUTH_FIRST AUTH required before {}", verb)});
  }
  CHECK(daemon.broker.find_topic("t") == nullptr);
}

TEST_CASE("what is denied is named, after what came before it has been answered", "[session]") {
  AuthFixture daemon;
  constexpr std::string_view kOnlyMine =
      R"({"ttl":60,"authorizations":[
          {"topic":"^mine$","channels":[".*"],"permissions":["subscribe","publish"]}]})";
  CHECK(daemon.authorized(kOnlyMine)->say(pub("mine", "x") + pub("other", "x")) ==
        Frames{"OK", R"(E_UNAUTHORIZED AUTH failed for PUB on "other" "")"});
  CHECK(daemon.authorized(kOnlyMine)->say("SUB other c\n") ==
        Frames{R"(E_UNAUTHORIZED AUTH failed for SUB on "other" "c")"});
}

TEST_CASE("expired grants are renewed before the command that finds them so", "[session]") {
  AuthFixture daemon;
  auto client = daemon.authorized();
  daemon.advance(60s);
  CHECK(client->say(pub("t", "in time")) == Frames{"OK"});
  daemon.advance(1ns);
  CHECK(client->say(pub("t", "late")).empty());
  REQUIRE(daemon.server->questions.size() == 2);
  CHECK(daemon.server->questions[1].secret == "secret");
  CHECK(client->unread_bytes() > 0);
  daemon.server->answer(kAll);
  CHECK(client->listen() == Frames{"OK"});
  CHECK(client->unread_bytes() == 0);
  CHECK(client->say(pub("t", "again")) == Frames{"OK"});
  CHECK(daemon.server->questions.size() == 2);
}

TEST_CASE("grants that cannot be renewed, or no longer hold, end the connection", "[session]") {
  AuthFixture daemon;
  auto failed = daemon.authorized();
  auto denied = daemon.authorized();
  daemon.advance(61s);
  CHECK(failed->say(pub("t", "x")).empty());
  daemon.server->fail();
  CHECK(failed->listen() == Frames{"E_AUTH_FAILED AUTH failed"});
  CHECK(denied->say(pub("t", "x")).empty());
  daemon.server->answer(kNothing);
  CHECK(denied->listen() == Frames{R"(E_UNAUTHORIZED AUTH failed for PUB on "t" "")"});
}

TEST_CASE("a consumer goes on getting messages while its grants are renewed", "[session]") {
  AuthFixture daemon;
  auto client = daemon.authorized();
  CHECK(client->say("SUB t c\nRDY 10\n") == Frames{"OK"});
  daemon.advance(61s);
  auto producer = daemon.authorized();
  CHECK(client->say(pub("t", "mine")).empty());
  CHECK(producer->say(pub("t", "for the consumer")) == Frames{"OK"});
  CHECK(client->listen() == Frames{"for the consumer/1"});
  daemon.server->answer(kAll);
  CHECK(client->listen() == Frames{"OK"});
  CHECK(client->listen() == Frames{"mine/1"});
}

TEST_CASE("topics granted once are remembered until the grants change", "[session]") {
  AuthPatterns patterns;
  auto all = parse_auth_answer(kAll, patterns);
  auto nothing = parse_auth_answer(kNothing, patterns);
  REQUIRE((all && nothing));
  ClientAuth auth("127.0.0.1");
  const nsq::Instant now{std::chrono::hours(1)};
  using Verdict = ClientAuth::Verdict;
  CHECK(auth.verdict(Permission::Publish, "t", "", now) == Verdict::NotAsked);
  auth.grant(std::make_shared<const AuthGrants>(*all), now);
  for (int round = 0; round < 2; ++round) {
    for (int i = 0; i < 40; ++i)
      CHECK(auth.verdict(Permission::Publish, fmt::format("t{}", i), "", now) == Verdict::Allowed);
  }
  auth.grant(std::make_shared<const AuthGrants>(*nothing), now);
  CHECK(auth.verdict(Permission::Publish, "t39", "", now) == Verdict::Denied);
  CHECK(auth.verdict(Permission::Publish, "t39", "", now + 61s) == Verdict::Expired);
}
