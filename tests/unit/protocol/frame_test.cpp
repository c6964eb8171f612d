#include "protocol/frame.h"

#include <string>
#include <vector>

#include "protocol/frame_reader.h"
#include "support/catch.h"

using namespace nsq;
using namespace nsq::protocol;
using namespace std::string_literals;

namespace {

std::string message_frame(std::string_view body) {
  std::string frame(kMessageFrameHeaderBytes, '\0');
  encode_message_frame_header(frame.data(), Timestamp{0x0102030405060708}, 0x0a0b,
                              MessageId{0x18a2bb5853a69000}, body.size());
  return frame.append(body);
}

}  // namespace

TEST_CASE("the fixed responses have their exact bytes", "[protocol]") {
  CHECK(kOkFrame == "\0\0\0\x06\0\0\0\0OK"s);
  CHECK(kHeartbeatFrame == "\0\0\0\x0f\0\0\0\0_heartbeat_"s);
  CHECK(kCloseWaitFrame == "\0\0\0\x0e\0\0\0\0CLOSE_WAIT"s);
}

TEST_CASE("a response and an error are framed with size and type", "[protocol]") {
  std::string out = "before";
  append_response(out, "{}");
  append_error(out, {ErrorCode::Invalid, "invalid command FOO"});
  CHECK(out ==
        "before\0\0\0\x06\0\0\0\0{}"
        "\0\0\0\x21\0\0\0\1E_INVALID invalid command FOO"s);
}

TEST_CASE("a message frame is a header of 34 bytes and the body", "[protocol]") {
  CHECK(message_frame("hi") ==
        "\0\0\0\x20\0\0\0\x02\x01\x02\x03\x04\x05\x06\x07\x08\x0a\x0b"
        "18a2bb5853a69000hi"s);
}

TEST_CASE("every error code has its word, and three of them spare the connection", "[protocol]") {
  struct Case {
    ErrorCode code;
    std::string_view text;
    bool fatal = true;
  };
  for (const Case& expected :
       {Case{ErrorCode::BadProtocol, "E_BAD_PROTOCOL"}, Case{ErrorCode::Invalid, "E_INVALID"},
        Case{ErrorCode::BadTopic, "E_BAD_TOPIC"}, Case{ErrorCode::BadChannel, "E_BAD_CHANNEL"},
        Case{ErrorCode::BadBody, "E_BAD_BODY"}, Case{ErrorCode::BadMessage, "E_BAD_MESSAGE"},
        Case{ErrorCode::PubFailed, "E_PUB_FAILED"}, Case{ErrorCode::MpubFailed, "E_MPUB_FAILED"},
        Case{ErrorCode::DpubFailed, "E_DPUB_FAILED"}, Case{ErrorCode::SubFailed, "E_SUB_FAILED"},
        Case{ErrorCode::IdentifyFailed, "E_IDENTIFY_FAILED"},
        Case{ErrorCode::AuthFirst, "E_AUTH_FIRST"},
        Case{ErrorCode::AuthDisabled, "E_AUTH_DISABLED"},
        Case{ErrorCode::AuthFailed, "E_AUTH_FAILED"}, Case{ErrorCode::AuthError, "E_AUTH_ERROR"},
        Case{ErrorCode::Unauthorized, "E_UNAUTHORIZED"},
        Case{ErrorCode::FinFailed, "E_FIN_FAILED", false},
        Case{ErrorCode::ReqFailed, "E_REQ_FAILED", false},
        Case{ErrorCode::TouchFailed, "E_TOUCH_FAILED", false}}) {
    CHECK(to_string(expected.code) == expected.text);
    CHECK(is_fatal(expected.code) == expected.fatal);
  }
}

TEST_CASE("only E_BAD_PROTOCOL stands without a text", "[protocol]") {
  CHECK(ProtocolError{ErrorCode::BadProtocol, ""}.to_string() == "E_BAD_PROTOCOL");
  CHECK(ProtocolError{ErrorCode::Invalid, "invalid command "}.to_string() ==
        "E_INVALID invalid command ");
}

TEST_CASE("frames are read back in any split", "[protocol]") {
  std::string stream(kOkFrame);
  stream += message_frame("body");
  append_error(stream, {ErrorCode::FinFailed, "FIN x"});
  stream += kHeartbeatFrame;

  FrameReader reader(1 << 20);
  std::vector<std::string> seen;
  std::size_t begin = 0;
  for (std::size_t end = 0; end <= stream.size(); ++end) {
    const auto input = std::string_view(stream).substr(begin, end - begin);
    const auto outcome = reader.read(input);
    if (outcome == FrameReader::Outcome::NeedMore) {
      CHECK(reader.needed_bytes() > input.size());
      continue;
    }
    REQUIRE(outcome == FrameReader::Outcome::Frame);
    CHECK(reader.frame().consumed == input.size());
    seen.push_back(std::to_string(reader.frame().type) + std::string(reader.frame().data));
    begin = end;
  }
  REQUIRE(seen.size() == 4);
  CHECK(seen[0] == "0OK");
  CHECK(seen[2] == "1E_FIN_FAILED FIN x");
  CHECK(seen[3] == "0_heartbeat_");
  const auto message = parse_message(std::string_view(seen[1]).substr(1));
  REQUIRE(message);
  CHECK(message->timestamp == Timestamp{0x0102030405060708});
  CHECK(message->attempts == 0x0a0b);
  CHECK(message->id == "18a2bb5853a69000");
  CHECK(message->body == "body");
}

TEST_CASE("a frame of an impossible or forbidden size is refused before its data", "[protocol]") {
  using Outcome = FrameReader::Outcome;
  FrameReader reader(100);
  CHECK(reader.read("\0\0\0\x03"s) == Outcome::BadSize);
  CHECK(reader.read("\xff\xff\xff\xff"s) == Outcome::BadSize);
  CHECK(reader.read("\0\0\0\x65"s) == Outcome::BadSize);
  CHECK(reader.read("HTTP"s) == Outcome::BadSize);
  CHECK(reader.read("\0\0\0\x64"s) == Outcome::NeedMore);
  CHECK(reader.needed_bytes() == 104);
  CHECK(reader.read("\0\0\0\x04\0\0\0\0"s) == Outcome::Frame);
  CHECK(reader.frame().data.empty());
}

TEST_CASE("a message frame too short for its header is no message", "[protocol]") {
  CHECK_FALSE(parse_message(std::string(25, 'x')));
  CHECK(parse_message(std::string(26, 'x'))->body.empty());
}
