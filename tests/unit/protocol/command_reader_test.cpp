#include "protocol/command_reader.h"

#include <random>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "support/catch.h"

using namespace nsq;
using namespace nsq::protocol;
using namespace std::chrono_literals;
using Outcome = CommandReader::Outcome;

namespace {

constexpr CommandContext kFresh{};
constexpr CommandContext kSubscribed{.state = ConnectionState::Subscribed};
constexpr CommandContext kClosing{.state = ConnectionState::Closing};
constexpr CommandLimits kSmall{.max_msg_size = 1000, .max_body_size = 5000};
const std::string kId = "18a2bb5853a69000";

std::string be32(std::int32_t value) {
  std::string bytes(4, '\0');
  store_big(bytes.data(), value);
  return bytes;
}

std::string sized(const std::string& body) {
  return be32(static_cast<std::int32_t>(body.size())) + body;
}

std::string batch(const std::vector<std::string>& messages) {
  std::string content = be32(static_cast<std::int32_t>(messages.size()));
  for (const auto& message : messages) content += sized(message);
  return sized(content);
}

// A command written out, for comparison after its input is gone.
std::string describe(const Command& command) {
  std::string text = std::to_string(static_cast<int>(command.verb)) + " ";
  text.append(command.topic).append("/").append(command.channel).append("/");
  text.append(command.id_text).append(command.id ? "=" + command.id->to_string() : "?");
  text += " " + std::to_string(command.delay.count()) + " " + std::to_string(command.ready_count);
  text.append(" [").append(command.body).append("]");
  for (const auto message : command.messages) text.append(" {").append(message).append("}");
  return text;
}

// What a stream means, told as one line per command and how it ended. The stream arrives in pieces
// that end at `ends`, the last of which is its size.
class Conversation {
 public:
  explicit Conversation(CommandLimits limits = kSmall) : reader_(limits) {}

  std::vector<std::string> read(const std::string& stream, const std::vector<std::size_t>& ends,
                                CommandContext context = kFresh) {
    std::vector<std::string> story;
    std::size_t begin = 0;
    for (const std::size_t end : ends) {
      while (true) {
        // A copy of exactly the input, so that a sanitizer sees every step beyond it.
        const std::vector<char> piece(stream.begin() + static_cast<std::ptrdiff_t>(begin),
                                      stream.begin() + static_cast<std::ptrdiff_t>(end));
        const std::string_view input(piece.data(), piece.size());
        const Outcome outcome = reader_.read(input, context);
        if (outcome == Outcome::NeedMore) {
          REQUIRE(reader_.needed_bytes() > input.size());
          break;
        }
        if (outcome == Outcome::LineTooLong) return story.emplace_back("line too long"), story;
        if (outcome == Outcome::Error) return story.push_back(reader_.error().to_string()), story;
        REQUIRE(reader_.consumed() > 0);
        REQUIRE(reader_.consumed() <= input.size());
        story.push_back(describe(reader_.command()));
        begin += reader_.consumed();
        if (reader_.command().verb == Verb::Sub) context.state = ConnectionState::Subscribed;
        if (reader_.command().verb == Verb::Cls) context.state = ConnectionState::Closing;
      }
    }
    const std::string rest = stream.substr(begin);
    const auto error = reader_.error_at_end(rest, context);
    story.push_back(error ? error->to_string() : "quiet end");
    return story;
  }

  std::vector<std::string> read_whole(const std::string& stream, CommandContext context = kFresh) {
    return read(stream, {stream.size()}, context);
  }

  std::vector<std::string> read_bytewise(const std::string& stream,
                                         CommandContext context = kFresh) {
    std::vector<std::size_t> ends;
    for (std::size_t end = 1; end <= stream.size(); ++end) ends.push_back(end);
    return read(stream, ends, context);
  }

 private:
  CommandReader reader_;
};

// The one error `stream` ends in, in whichever pieces it comes.
void refuses(const std::string& stream, const std::string& text, CommandContext context = kFresh,
             CommandLimits limits = kSmall) {
  CAPTURE(stream);
  Conversation conversation(limits);
  CHECK(conversation.read_whole(stream, context) == std::vector{text});
  CHECK(conversation.read_bytewise(stream, context) == std::vector{text});
}

// The command that `stream` is, nothing more and nothing less.
struct Reading {
  Reading(const std::string& bytes, CommandContext context = kFresh,
          const CommandLimits& limits = kSmall)
      : stream(bytes), reader(limits) {
    for (std::size_t length = 0; length < stream.size(); ++length) {
      REQUIRE(reader.read(std::string_view(stream).substr(0, length), context) ==
              Outcome::NeedMore);
      REQUIRE(reader.needed_bytes() > length);
      REQUIRE(reader.needed_bytes() <= stream.size());
    }
    REQUIRE(reader.read(stream + "more", context) == Outcome::Command);
    REQUIRE(reader.read(stream, context) == Outcome::Command);
    CHECK(reader.consumed() == stream.size());
  }
  const Command* operator->() const { return &reader.command(); }

  const std::string stream;
  CommandReader reader;
};

}  // namespace

TEST_CASE("commands without a body are read once their line is complete", "[protocol]") {
  CHECK(Reading("NOP\n")->verb == Verb::Nop);
  CHECK(Reading("CLS\n", kSubscribed)->verb == Verb::Cls);
  const Reading sub("SUB orders billing\n");
  CHECK(sub->verb == Verb::Sub);
  CHECK(sub->topic == "orders");
  CHECK(sub->channel == "billing");
  const Reading touch("TOUCH " + kId + "\n", kClosing);
  CHECK(touch->verb == Verb::Touch);
  CHECK(touch->id == MessageId{0x18a2bb5853a69000});
  CHECK(touch->id_text == kId);
  CHECK(Reading("FIN " + kId + "\n", kSubscribed)->verb == Verb::Fin);
}

TEST_CASE("commands with a body are read once their body is complete", "[protocol]") {
  const Reading pub("PUB t\n" + sized("hello"));
  CHECK(pub->verb == Verb::Pub);
  CHECK(pub->topic == "t");
  CHECK(pub->body == "hello");
  const Reading dpub("DPUB t#ephemeral 1500\n" + sized(std::string("\0\n", 2)));
  CHECK(dpub->topic == "t#ephemeral");
  CHECK(dpub->delay == 1500ms);
  CHECK(dpub->body == std::string_view("\0\n", 2));
  CHECK(Reading("IDENTIFY\n" + sized("{}"))->body == "{}");
  CHECK(Reading("AUTH\n" + sized("secret"))->body == "secret");
}

TEST_CASE("a batch is read with its messages in order", "[protocol]") {
  const Reading mpub("MPUB t\n" + batch({"one", "two", std::string(1000, 'x')}), kClosing);
  CHECK(mpub->verb == Verb::Mpub);
  CHECK(mpub->topic == "t");
  REQUIRE(mpub->messages.size() == 3);
  CHECK(mpub->messages[0] == "one");
  CHECK(mpub->messages[1] == "two");
  CHECK(mpub->messages[2] == std::string(1000, 'x'));
}

TEST_CASE("one call asks for all of a body, once its size is known", "[protocol]") {
  CommandReader reader(kSmall);
  CHECK(reader.read("", kFresh) == Outcome::NeedMore);
  CHECK(reader.needed_bytes() == 1);
  CHECK(reader.read("PUB t\n", kFresh) == Outcome::NeedMore);
  CHECK(reader.needed_bytes() == 10);
  CHECK(reader.read("PUB t\n" + be32(900), kFresh) == Outcome::NeedMore);
  CHECK(reader.needed_bytes() == 910);
}

// The declared size of a batch may be wrong; what its messages take at least cannot be.
TEST_CASE("a batch asks for what its sizes tell, and the least of what they do not", "[protocol]") {
  CommandReader reader(kSmall);
  const std::string begin = "MPUB t\n" + be32(4000) + be32(3);
  CHECK(reader.read(begin, kFresh) == Outcome::NeedMore);
  CHECK(reader.needed_bytes() == begin.size() + 3 * 5);
  CHECK(reader.read(begin + be32(900), kFresh) == Outcome::NeedMore);
  CHECK(reader.needed_bytes() == begin.size() + 904 + 2 * 5);
  CHECK(reader.read(begin + sized("abc") + be32(900), kFresh) == Outcome::NeedMore);
  CHECK(reader.needed_bytes() == begin.size() + 7 + 904 + 5);
}

TEST_CASE("lines may end in a carriage return and hold words nobody asked for", "[protocol]") {
  CHECK(Reading("NOP\r\n")->verb == Verb::Nop);
  CHECK(Reading("NOP a b\n")->verb == Verb::Nop);
  CHECK(Reading("SUB t c extra\r\n")->channel == "c");
  CHECK(Reading("PUB t extra\r\n" + sized("x"))->topic == "t");
  CHECK(Reading("IDENTIFY extra\n" + sized("{}"))->verb == Verb::Identify);
  CHECK(Reading("RDY 3 extra\n", kSubscribed)->ready_count == 3);
  CHECK(Reading("FIN " + kId + " extra\n", kSubscribed)->id_text == kId);
}

TEST_CASE("what is no command is refused by its first word", "[protocol]") {
  refuses("FOO\n", "E_INVALID invalid command FOO");
  refuses("FOO bar baz\n", "E_INVALID invalid command FOO");
  refuses("PUBLISH t\n", "E_INVALID invalid command PUBLISH");
  refuses("IDENTIFYX\n", "E_INVALID invalid command IDENTIFYX");
  refuses("NOP\t\n", "E_INVALID invalid command NOP\t");
  refuses("nop\n", "E_INVALID invalid command nop");
  refuses("\n", "E_INVALID invalid command ");
  refuses("\r\n", "E_INVALID invalid command ");
  refuses(" NOP\n", "E_INVALID invalid command ");
  refuses(std::string("\0NOP\n", 5), std::string("E_INVALID invalid command \0NOP", 30));
}

TEST_CASE("every command is refused in the states it is not made for", "[protocol]") {
  const auto cannot = [](const std::string& verb) {
    return "E_INVALID cannot " + verb + " in current state";
  };
  for (const auto& context : {kSubscribed, kClosing}) {
    refuses("IDENTIFY\n", cannot("IDENTIFY"), context);
    refuses("AUTH x\n", cannot("AUTH"), context);
    refuses("SUB\n", cannot("SUB"), context);
  }
  for (const std::string verb : {"RDY", "FIN", "REQ", "TOUCH", "CLS"})
    refuses(verb + "\n", cannot(verb));
  refuses("CLS\n", cannot("CLS"), kClosing);
  for (const auto& context : {kFresh, kSubscribed, kClosing}) {
    CHECK(Reading("NOP\n", context)->verb == Verb::Nop);
    CHECK(Reading("PUB t\n" + sized("x"), context)->verb == Verb::Pub);
    CHECK(Reading("MPUB t\n" + batch({"x"}), context)->verb == Verb::Mpub);
    CHECK(Reading("DPUB t 0\n" + sized("x"), context)->verb == Verb::Dpub);
  }
}

TEST_CASE("without the TLS a daemon requires, only IDENTIFY is let through", "[protocol]") {
  constexpr CommandContext plain{.tls_missing = true};
  for (const std::string verb : {"NOP", "PUB", "SUB", "AUTH", "FOO", "FIN", ""})
    refuses(verb + " x\n", "E_INVALID cannot " + verb + " in current state (TLS required)", plain);
  CHECK(Reading("IDENTIFY\n" + sized("{}"), plain)->verb == Verb::Identify);
}

TEST_CASE("SUB checks heartbeats, parameters, topic and channel, in this order", "[protocol]") {
  refuses("SUB\n", "E_INVALID cannot SUB with heartbeats disabled", {.heartbeats_disabled = true});
  refuses("SUB\n", "E_INVALID SUB insufficient number of parameters");
  refuses("SUB t!\n", "E_INVALID SUB insufficient number of parameters");
  refuses("SUB t! c!\n", R"(E_BAD_TOPIC SUB topic name "t!" is not valid)");
  refuses("SUB t c!\n", R"(E_BAD_CHANNEL SUB channel name "c!" is not valid)");
  refuses("SUB  c\n", R"(E_BAD_TOPIC SUB topic name "" is not valid)");
  refuses("SUB t \n", R"(E_BAD_CHANNEL SUB channel name "" is not valid)");
  refuses("SUB t\"\xff! c\n", R"(E_BAD_TOPIC SUB topic name "t\"\xff!" is not valid)");
}

TEST_CASE("PUB checks topic, size and body, in this order", "[protocol]") {
  refuses("PUB\n", "E_INVALID PUB insufficient number of parameters");
  refuses("PUB bad!\n", R"(E_BAD_TOPIC PUB topic name "bad!" is not valid)");
  refuses("PUB \n", R"(E_BAD_TOPIC PUB topic name "" is not valid)");
  refuses("PUB t\n", "E_BAD_MESSAGE PUB failed to read message body size");
  refuses("PUB t\n" + be32(5).substr(0, 3), "E_BAD_MESSAGE PUB failed to read message body size");
  refuses("PUB t\n" + be32(0), "E_BAD_MESSAGE PUB invalid message body size 0");
  refuses("PUB t\n" + be32(-1), "E_BAD_MESSAGE PUB invalid message body size -1");
  refuses("PUB t\n" + be32(1001), "E_BAD_MESSAGE PUB message too big 1001 > 1000");
  refuses("PUB t\n" + be32(2147483647), "E_BAD_MESSAGE PUB message too big 2147483647 > 1000");
  refuses("PUB t\n" + be32(10) + "abc", "E_BAD_MESSAGE PUB failed to read message body");
  CHECK(Reading("PUB t\n" + sized(std::string(1000, 'x')))->body.size() == 1000);
}

TEST_CASE("MPUB checks topic, size, count and each message, in this order", "[protocol]") {
  const std::string mpub = "MPUB t\n";
  refuses("MPUB\n", "E_INVALID MPUB insufficient number of parameters");
  refuses("MPUB bad!\n", R"(E_BAD_TOPIC E_BAD_TOPIC MPUB topic name "bad!" is not valid)");
  refuses(mpub, "E_BAD_BODY MPUB failed to read body size");
  refuses(mpub + be32(0), "E_BAD_BODY MPUB invalid body size 0");
  refuses(mpub + be32(-7), "E_BAD_BODY MPUB invalid body size -7");
  refuses(mpub + be32(5001), "E_BAD_BODY MPUB body too big 5001 > 5000");
  refuses(mpub + be32(100), "E_BAD_BODY MPUB failed to read message count");
  refuses(mpub + be32(3), "E_BAD_BODY MPUB failed to read message count");
  refuses(mpub + be32(4000) + be32(0), "E_BAD_BODY MPUB invalid message count 0");
  refuses(mpub + be32(4) + be32(-2), "E_BAD_BODY MPUB invalid message count -2");
  refuses(mpub + be32(4) + be32(1000), "E_BAD_BODY MPUB invalid message count 1000");
  refuses(mpub + be32(4) + be32(999), "E_BAD_MESSAGE MPUB failed to read message(0) body size");
  refuses(mpub + be32(8) + be32(1) + be32(0), "E_BAD_MESSAGE MPUB invalid message(0) body size 0");
  refuses(mpub + be32(8) + be32(1) + be32(-5),
          "E_BAD_MESSAGE MPUB invalid message(0) body size -5");
  refuses(mpub + be32(16) + be32(2) + sized("good") + be32(0),
          "E_BAD_MESSAGE MPUB invalid message(1) body size 0");
  refuses(mpub + batch({std::string(1001, 'x')}), "E_BAD_MESSAGE MPUB message too big 1001 > 1000");
}

TEST_CASE("a batch cut short is refused where it was cut", "[protocol]") {
  const std::string begin = "MPUB t\n" + be32(100) + be32(2);
  refuses(begin, "E_BAD_MESSAGE MPUB failed to read message(0) body size");
  refuses(begin + sized("abc") + "\0", "E_BAD_MESSAGE MPUB failed to read message(1) body size");
  refuses(begin + be32(3) + "a", "E_BAD_MESSAGE MPUB failed to read message body");
}

TEST_CASE("a batch ends where its count and sizes say, whatever size it declares", "[protocol]") {
  for (const std::int32_t declared : {1, 8, 21, 5000}) {
    const Reading reading("MPUB t\n" + be32(declared) + be32(2) + sized("abc") + sized("defgh"));
    CHECK(reading->messages.size() == 2);
    CHECK(reading->messages[0] == "abc");
    CHECK(reading->messages[1] == "defgh");
  }
}

TEST_CASE("a batch larger than any body may be is refused, however little it declares",
          "[protocol]") {
  std::string stream = "MPUB t\n" + be32(1) + be32(6);
  for (int i = 0; i < 6; ++i) stream += sized(std::string(900, 'x'));
  refuses(stream, "E_BAD_BODY MPUB body too big 5400 > 5000");
}

TEST_CASE("DPUB refuses delays that REQ would clamp", "[protocol]") {
  refuses("DPUB\n", "E_INVALID DPUB insufficient number of parameters");
  refuses("DPUB t\n", "E_INVALID DPUB insufficient number of parameters");
  refuses("DPUB bad! x\n", R"(E_BAD_TOPIC DPUB topic name "bad!" is not valid)");
  for (const std::string delay : {"abc", "-1", "1.5", "1s", "+1", "0x10"})
    refuses("DPUB t " + delay + "\n", "E_INVALID DPUB could not parse timeout " + delay);
  refuses("DPUB t 3600001\n", "E_INVALID DPUB timeout 3600001 out of range 0-3600000");
  refuses("DPUB t 18446744073709551615\n",
          "E_INVALID DPUB timeout 18446744073709551615 out of range 0-3600000");
  refuses("DPUB t 61000\n", "E_INVALID DPUB timeout 61000 out of range 0-60000", kFresh,
          {.max_defer_timeout = std::chrono::minutes(1)});
  refuses("DPUB t 0\n" + be32(0), "E_BAD_MESSAGE DPUB invalid message body size 0");
  refuses("DPUB t 0\n" + be32(1001), "E_BAD_MESSAGE DPUB message too big 1001 > 1000");
  refuses("DPUB t 0\n", "E_BAD_MESSAGE DPUB failed to read message body size");
  refuses("DPUB t 0\n" + be32(3) + "a", "E_BAD_MESSAGE DPUB failed to read message body");
  CHECK(Reading("DPUB t 3600000\n" + sized("x"))->delay == 1h);
  CHECK(Reading("DPUB t \n" + sized("x"))->delay == 0s);
}

TEST_CASE("IDENTIFY and AUTH check size and body", "[protocol]") {
  for (const std::string verb : {"IDENTIFY", "AUTH"}) {
    const std::string error = "E_BAD_BODY " + verb;
    refuses(verb + "\n", error + " failed to read body size");
    refuses(verb + "\n" + be32(0), error + " invalid body size 0");
    refuses(verb + "\n" + be32(-2147483647 - 1), error + " invalid body size -2147483648");
    refuses(verb + "\n" + be32(5001), error + " body too big 5001 > 5000");
    refuses(verb + "\n" + be32(10) + "{}", error + " failed to read body");
  }
  refuses("AUTH x\n", "E_INVALID AUTH invalid number of parameters");
  refuses("AUTH \n", "E_INVALID AUTH invalid number of parameters");
}

TEST_CASE("RDY takes one count within the limit, or one if there is none", "[protocol]") {
  CHECK(Reading("RDY\n", kSubscribed)->ready_count == 1);
  CHECK(Reading("RDY \n", kSubscribed)->ready_count == 0);
  CHECK(Reading("RDY 2500\n", kSubscribed)->ready_count == 2500);
  CHECK(Reading("RDY 007\n", kSubscribed)->ready_count == 7);
  refuses("RDY 2501\n", "E_INVALID RDY count 2501 out of range 0-2500", kSubscribed);
  refuses("RDY 18446744073709551615\n", "E_INVALID RDY count -1 out of range 0-2500", kSubscribed);
  for (const std::string count : {"abc", "-1", "1.0", "1e3", "+2"})
    refuses("RDY " + count + "\n", "E_INVALID RDY could not parse count " + count, kSubscribed);
}

TEST_CASE("RDY means nothing while closing, whatever it says", "[protocol]") {
  for (const std::string line : {"RDY\n", "RDY 5\n", "RDY 999999\n", "RDY abc\n"})
    CHECK(Reading(line, kClosing)->verb == Verb::Nop);
}

TEST_CASE("FIN, REQ and TOUCH check parameters, id and delay, in this order", "[protocol]") {
  refuses("FIN\n", "E_INVALID FIN insufficient number of params", kSubscribed);
  refuses("TOUCH\n", "E_INVALID TOUCH insufficient number of params", kSubscribed);
  refuses("REQ\n", "E_INVALID REQ insufficient number of params", kSubscribed);
  refuses("REQ abc\n", "E_INVALID REQ insufficient number of params", kSubscribed);
  for (const std::string line :
       {"FIN abc\n", "FIN \n", "FIN 00000000000000000\n", "REQ abc x\n", "TOUCH 000000000000000\n"})
    refuses(line, "E_INVALID invalid message ID", kSubscribed);
  for (const std::string delay : {"x", "-1", "1.5", "90000.5"})
    refuses("REQ " + kId + " " + delay + "\n", "E_INVALID REQ could not parse timeout " + delay,
            kSubscribed);
}

TEST_CASE("an id of the right length that cannot exist is left to the engine", "[protocol]") {
  const Reading fin("FIN 18A2BB5853A69000\n", kSubscribed);
  CHECK_FALSE(fin->id);
  CHECK(fin->id_text == "18A2BB5853A69000");
}

TEST_CASE("FINs are read by the row, as far as they are written in the usual way", "[protocol]") {
  CommandReader reader(kSmall);
  std::vector<MessageId> ids;
  const auto read = [&](const std::string& input, const CommandContext& context = kSubscribed) {
    ids.clear();
    return reader.read_finishes(input, context, [&](MessageId id) { ids.push_back(id); });
  };
  std::string row;
  std::vector<MessageId> expected;
  for (std::uint64_t i = 0; i < 5000; ++i) {
    // In a row, across every kind of digit, and now and then somewhere else.
    const MessageId id{0x18a2bb5853a6fe00 + i + i / 1000 * 0x123456789};
    row += "FIN " + id.to_string() + "\n";
    expected.push_back(id);
  }
  CHECK(read(row + "NOP\n") == row.size());
  CHECK(ids == expected);

  const std::string first = "FIN 00000000000000a8\n";
  for (const auto* second :
       {"FIN 00000000000000a9\r\n", "FIN 00000000000000a:\n", "FIN 00000000000000A9\n",
        "FIN 00000000000000a9 \n", "FIN 00000000000000a9", "fin 00000000000000a9\n",
        "FIN 000000000000000a9\n", "REQ 00000000000000a9 0\n"}) {
    CHECK(read(first + second) == first.size());
  }
  CHECK(read("FIN 00000000000000a9\nFIN 00000000000000a:\n") == first.size());
  CHECK(read("FIN 00000000000000af\nFIN 00000000000000ag\n") == first.size());
  CHECK(ids == std::vector{MessageId{0xaf}});
  CHECK(read(first, kClosing) == first.size());
  CHECK(read(first, kFresh) == 0);
  CHECK(read(first, {.state = ConnectionState::Subscribed, .tls_missing = true}) == 0);
}

TEST_CASE("REQ clamps its delay", "[protocol]") {
  const auto delay_of = [](const std::string& text) {
    return Reading("REQ " + kId + " " + text + "\n", kSubscribed)->delay;
  };
  CHECK(delay_of("0") == 0s);
  CHECK(delay_of("") == 0s);
  CHECK(delay_of("1500") == 1500ms);
  CHECK(delay_of("3600001") == 1h);
  CHECK(delay_of("18446744073709551615") == 0s);
}

TEST_CASE("a line longer than the limit ends the connection", "[protocol]") {
  Conversation conversation;
  const std::string fits = "NOP " + std::string(kMaxLineBytes - 5, 'x') + "\n";
  REQUIRE(fits.size() == kMaxLineBytes);
  CHECK(conversation.read_whole(fits).size() == 2);
  CHECK(conversation.read_whole("x" + fits).front() == "line too long");
  CHECK(conversation.read_whole(std::string(kMaxLineBytes, 'x')).front() == "line too long");
  CHECK(conversation.read_whole(std::string(kMaxLineBytes - 1, 'x')).front() == "quiet end");
}

TEST_CASE("the end of the stream between or within lines is quiet", "[protocol]") {
  Conversation conversation;
  CHECK(conversation.read_whole("") == std::vector<std::string>{"quiet end"});
  CHECK(conversation.read_whole("PUB top") == std::vector<std::string>{"quiet end"});
}

TEST_CASE("a conversation means the same in whatever pieces it arrives", "[protocol]") {
  const std::string stream = "IDENTIFY\n" + sized(R"({"client_id":"a"})") + "AUTH\n" + sized("s") +
                             "SUB t c\nRDY 10\n" + "PUB t\n" + sized("FIN x\n") + "FIN " + kId +
                             "\r\nREQ " + kId + " 100\nTOUCH " + kId + "\nMPUB t\n" +
                             batch({"a", std::string(300, 'b'), "\n"}) + "DPUB t 5\n" +
                             sized("later") + "NOP\nCLS\nRDY x\nFIN " + kId + "\nFOO\n";
  Conversation conversation;
  const auto whole = conversation.read_whole(stream);
  CHECK(whole.size() == 15);
  CHECK(whole.back() == "E_INVALID invalid command FOO");
  CHECK(conversation.read_bytewise(stream) == whole);

  std::mt19937 random(1);  // NOLINT: the same pieces every time
  for (int round = 0; round < 500; ++round) {
    std::vector<std::size_t> ends;
    for (std::size_t end = 0; end < stream.size();) {
      end = std::min<std::size_t>(stream.size(), end + random() % 60);
      ends.push_back(end);
    }
    REQUIRE(conversation.read(stream, ends) == whole);
  }
}
