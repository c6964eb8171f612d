#include "utilities/message_text.h"

#include "support/catch.h"

using namespace nsq::utilities;

namespace {

std::string printed(const MessageLayout& layout, std::string_view body) {
  std::string text;
  append_message(text,
                 {.topic = "t",
                  .id = "0123456789abcdef",
                  .timestamp_ns = 1'700'000'000'123'456'789,
                  .attempts = 2,
                  .source = "127.0.0.1:4150",
                  .body = body},
                 layout);
  return text;
}

}  // namespace

TEST_CASE("a plain message is its body, whatever bytes that has", "[utilities]") {
  CHECK(printed({}, "a\nb\xff") == "a\nb\xff\n");
  CHECK(printed({}, "") == "\n");
  CHECK(printed({.print_topic = true}, "x") == "t | x\n");
}

TEST_CASE("a message in hexadecimal is one line", "[utilities]") {
  const MessageLayout hex{.format = MessageFormat::Hex};
  CHECK(printed(hex, std::string_view("a\n\0\xff", 4)) == "610a00ff\n");
  CHECK(printed({.format = MessageFormat::Hex, .print_topic = true}, "a") == "t | 61\n");
}

TEST_CASE("a message as an object has all there is to know", "[utilities]") {
  const std::string head =
      R"({"id":"0123456789abcdef","timestamp":1700000000123456789,"attempts":2,)"
      R"("source":"127.0.0.1:4150","topic":"t",)";
  const MessageLayout json{.format = MessageFormat::Json, .print_topic = true, .colour = true};
  CHECK(printed(json, "a\n\"b\"") == head + R"("body":"a\n\"b\""})"
                                            "\n");
  CHECK(printed(json, "\u00e9") == head + "\"body\":\"\u00e9\"}\n");
  CHECK(printed(json, "\xff\x01") == head + R"("body_hex":"ff01"})"
                                            "\n");
}

TEST_CASE("on a terminal the topic stands out, and nothing else", "[utilities]") {
  CHECK(printed({.colour = true}, "x") == "x\n");
  CHECK(printed({.print_topic = true, .colour = true}, "x") == "\x1b[36mt\x1b[0m | x\n");
}
