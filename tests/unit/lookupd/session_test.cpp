#include "lookupd/session.h"

#include <memory>

#include "protocol/discovery.h"
#include "support/catch.h"
#include "support/quiet_log.h"
#include "unit/lookupd/registry_fixture.h"

using namespace nsq::lookupd;
using namespace nsq::lookupd::test;
using namespace std::chrono_literals;
using Answers = std::vector<std::string>;

namespace {

constexpr const char* kIntroduction =
    R"({"broadcast_address":"a","tcp_port":4150,"http_port":4151,"version":"1.4.0"})";

std::string identify(std::string_view body) {
  std::string text = "IDENTIFY\n";
  nsq::protocol::append_answer(text, body);  // a body has the form of an answer
  return text;
}

// One daemon's end of a conversation.
class Conversation {
 public:
  explicit Conversation(RegistryFixture& fixture, std::string remote = "10.0.0.5:42386")
      : fixture_(fixture),
        session_(std::make_unique<Session>(fixture.registry, limits, own_, std::move(remote))) {}

  // Sends more, all at once, and returns what is answered.
  Answers say(std::string_view bytes) {
    input_ += bytes;
    std::string out;
    input_.erase(0, session_->on_input(input_, fixture_.now, out));
    return taken_apart(out);
  }
  Answers introduce() { return say("  V1" + identify(kIntroduction)); }
  Answers hang_up() {
    std::string out;
    session_->on_end(input_, out);
    return taken_apart(out);
  }
  void disconnect() { session_.reset(); }
  bool is_over() const { return session_->is_over(); }
  std::size_t kept_bytes() const { return input_.size(); }

  Limits limits{.line_bytes = 200, .identify_bytes = 300};

 private:
  static Answers taken_apart(std::string_view stream) {
    const nsq::protocol::AnswerReader reader(10'000);
    Answers answers;
    while (!stream.empty()) {
      const auto reading = reader.read(stream);
      REQUIRE(reading.outcome == nsq::protocol::AnswerReader::Outcome::Answer);
      answers.emplace_back(reading.data);
      stream.remove_prefix(reading.consumed);
    }
    return answers;
  }

  const nsq::test::QuietLog quiet_;
  const std::string own_ = R"({"tcp_port":4160})";
  RegistryFixture& fixture_;
  std::unique_ptr<Session> session_;
  std::string input_;
};

// What an introduced daemon is told about one command.
Answers reply_to(std::string_view command) {
  RegistryFixture fixture;
  Conversation daemon(fixture);
  daemon.introduce();
  Answers answers = daemon.say(command);
  if (daemon.is_over()) answers.push_back("over");
  return answers;
}

Answers fatal(std::string text) {
  return {std::move(text), "over"};
}

}  // namespace

TEST_CASE("a daemon introduces itself and is told who answers", "[lookupd]") {
  RegistryFixture fixture;
  Conversation daemon(fixture);
  CHECK(daemon.introduce() == Answers{R"({"tcp_port":4160})"});
  CHECK(daemon.say("REGISTER t c\n") == Answers{"OK"});
  CHECK(fixture.producers("t") == std::vector<std::string>{"a"});
  CHECK_THAT(fixture.nodes(), Catch::Contains(R"("remote_address":"10.0.0.5:42386")"));
  CHECK(daemon.say("UNREGISTER t c\n") == Answers{"OK"});
  CHECK(fixture.producers("t") == std::vector<std::string>{"a"});
  CHECK(daemon.say("UNREGISTER t\n") == Answers{"OK"});
  CHECK(fixture.producers("t").empty());
}

TEST_CASE("commands come in any pieces and many at once", "[lookupd]") {
  const std::string stream =
      "  V1" + identify(kIntroduction) + "REGISTER a\nREGISTER b c\nPING\nUNREGISTER a\n";
  RegistryFixture fixture;
  Conversation at_once(fixture);
  const Answers expected = at_once.say(stream);
  CHECK(expected == Answers{R"({"tcp_port":4160})", "OK", "OK", "OK", "OK"});
  at_once.disconnect();
  Conversation byte_by_byte(fixture);
  Answers answers;
  for (const char c : stream) {
    for (auto& answer : byte_by_byte.say({&c, 1})) answers.push_back(std::move(answer));
  }
  CHECK(answers == expected);
  CHECK(fixture.producers("b") == std::vector<std::string>{"a"});
}

TEST_CASE("white space around a line does not matter", "[lookupd]") {
  CHECK(reply_to(" \tPING \r\n") == Answers{"OK"});
  CHECK(reply_to("REGISTER t \n") == Answers{"OK"});
  CHECK(reply_to("REGISTER  t\n") == fatal("E_BAD_TOPIC REGISTER topic name '' is not valid"));
  CHECK(reply_to("REGISTER t c more\n") == Answers{"OK"});
}

TEST_CASE("a wrong magic is answered and ends it", "[lookupd]") {
  for (const char* magic : {"  V2", "GET / HTTP/1.1\r\n\r\n"}) {
    RegistryFixture fixture;
    Conversation client(fixture);
    CHECK(client.say(magic) == Answers{"E_BAD_PROTOCOL"});
    CHECK(client.is_over());
    CHECK(client.say("PING\n").empty());
  }
}

TEST_CASE("every error is fatal", "[lookupd]") {
  CHECK(reply_to("FOO bar\n") == fatal("E_INVALID invalid command FOO"));
  CHECK(reply_to("ping\n") == fatal("E_INVALID invalid command ping"));
  CHECK(reply_to("\n") == fatal("E_INVALID invalid command "));
  CHECK(reply_to("REGISTER\n") == fatal("E_INVALID REGISTER insufficient number of params"));
  CHECK(reply_to("UNREGISTER\n") == fatal("E_INVALID UNREGISTER insufficient number of params"));
  CHECK(reply_to("REGISTER t!\n") == fatal("E_BAD_TOPIC REGISTER topic name 't!' is not valid"));
  CHECK(reply_to("UNREGISTER t c!\n") ==
        fatal("E_BAD_CHANNEL UNREGISTER channel name 'c!' is not valid"));
  CHECK(reply_to(identify(kIntroduction)) == fatal("E_INVALID cannot IDENTIFY again"));
  CHECK(reply_to("FOO\nPING\n") == fatal("E_INVALID invalid command FOO"));
}

TEST_CASE("names are registered by those only who said who they are", "[lookupd]") {
  for (const char* command : {"REGISTER t\n", "UNREGISTER t c\n", "REGISTER\n"}) {
    RegistryFixture fixture;
    Conversation client(fixture);
    CHECK(client.say("  V1PING\n") == Answers{"OK"});
    CHECK(client.say(command) == Answers{"E_INVALID client must IDENTIFY"});
    CHECK(client.is_over());
  }
}

TEST_CASE("an introduction that is not one is refused", "[lookupd]") {
  const auto refused = [](std::string_view bytes) {
    RegistryFixture fixture;
    Conversation client(fixture);
    const Answers answers = client.say("  V1" + std::string(bytes));
    CHECK(client.is_over());
    CHECK(fixture.nodes() == R"({"producers":[]})");
    return answers.at(0);
  };
  const char* undecodable = "E_BAD_BODY IDENTIFY failed to decode JSON body";
  CHECK(refused(identify("xx")) == undecodable);
  CHECK(refused(identify("")) == undecodable);
  CHECK(refused(identify(R"({"tcp_port":"1"})")) == undecodable);
  CHECK(refused(identify("{}")) == "E_BAD_BODY IDENTIFY missing fields");
  CHECK(
      refused(identify(R"({"broadcast_address":"a","tcp_port":0,"http_port":1,"version":"1"})")) ==
      "E_BAD_BODY IDENTIFY missing fields");
  CHECK(refused(identify(
            R"({"broadcast_address":"a","tcp_port":1,"http_port":65536,"version":"1"})")) ==
        "E_BAD_BODY IDENTIFY invalid port 65536");
  CHECK(refused("IDENTIFY\n\xff\xff\xff\xff") == "E_BAD_BODY IDENTIFY invalid body size -1");
  CHECK(refused(std::string("IDENTIFY\n\0\0\1\x2d", 13)) ==
        "E_BAD_BODY IDENTIFY body too big 301 > 300");
}

TEST_CASE("a stream that ends within an introduction is told what lacks", "[lookupd]") {
  RegistryFixture fixture;
  Conversation no_size(fixture);
  no_size.say("  V1IDENTIFY\n");
  CHECK(no_size.hang_up() == Answers{"E_BAD_BODY IDENTIFY failed to read body size"});
  Conversation no_body(fixture);
  no_body.say(std::string("  V1IDENTIFY\n\0\0\0\5ab", 19));
  CHECK(no_body.hang_up() == Answers{"E_BAD_BODY IDENTIFY failed to read body"});
  Conversation within_line(fixture);
  within_line.say("  V1REGIST");
  CHECK(within_line.hang_up().empty());
  Conversation silent(fixture);
  CHECK(silent.hang_up().empty());
}

TEST_CASE("a line without an end is refused at its limit", "[lookupd]") {
  RegistryFixture fixture;
  Conversation daemon(fixture);
  daemon.introduce();
  CHECK(daemon.say("REGISTER " + std::string(190, 'x')).empty());
  CHECK(daemon.say("x") == Answers{"E_INVALID line exceeds 200 bytes"});
  CHECK(daemon.is_over());
}

TEST_CASE("only PING and IDENTIFY say that a daemon lives", "[lookupd]") {
  RegistryFixture fixture;
  Conversation daemon(fixture);
  daemon.introduce();
  fixture.advance(5min + 1ns);
  daemon.say("REGISTER t\n");
  CHECK(fixture.producers("t").empty());
  daemon.say("PING\n");
  CHECK(fixture.producers("t") == std::vector<std::string>{"a"});
}

TEST_CASE("a daemon that disconnects is forgotten, its names are not", "[lookupd]") {
  RegistryFixture fixture;
  Conversation daemon(fixture);
  daemon.introduce();
  daemon.say("REGISTER t c\n");
  daemon.disconnect();
  CHECK(fixture.nodes() == R"({"producers":[]})");
  CHECK(fixture.producers("t").empty());
  CHECK(fixture.topics() == R"({"topics":["t"]})");
}

TEST_CASE("a daemon cannot register without end", "[lookupd]") {
  RegistryFixture fixture({.names = 1});
  Conversation daemon(fixture);
  daemon.introduce();
  CHECK(daemon.say("REGISTER t\nREGISTER u\n") ==
        Answers{"OK", "E_INVALID REGISTER too many registrations"});
  CHECK(daemon.is_over());
}
