#include "protocol/message_id.h"

#include "support/catch.h"

using nsq::protocol::MessageId;

TEST_CASE("an id is sixteen lower-case hex digits, most significant first", "[protocol]") {
  CHECK(MessageId{0x18a2bb5853a69000}.to_string() == "18a2bb5853a69000");
  CHECK(MessageId{0}.to_string() == "0000000000000000");
  CHECK(MessageId{~std::uint64_t{0}}.to_string() == "ffffffffffffffff");
  CHECK(MessageId::parse("0123456789abcdef") == MessageId{0x0123456789abcdef});
}

TEST_CASE("every id reads back as itself", "[protocol]") {
  std::uint64_t value = 1;
  for (int i = 0; i < 1000; ++i, value = value * 6364136223846793005ULL + 1442695040888963407ULL)
    CHECK(MessageId::parse(MessageId{value}.to_string()) == MessageId{value});
}

TEST_CASE("text no message is known by is no id", "[protocol]") {
  for (const auto* text : {"", "0", "000000000000000", "00000000000000000", "00000000000000FF",
                           "000000000000000g", " 00000000000000f",
                           "\xff"
                           "00000000000000f"})
    CHECK_FALSE(MessageId::parse(text));
}
