#include <limits>

#include "protocol/decimal.h"
#include "protocol/json_text.h"
#include "protocol/quote.h"
#include "support/catch.h"

using namespace nsq::protocol;

TEST_CASE("decimals are digits only, nothing is zero, and what is too large wraps", "[protocol]") {
  CHECK(parse_decimal("") == 0);
  CHECK(parse_decimal("0") == 0);
  CHECK(parse_decimal("0007") == 7);
  CHECK(parse_decimal("18446744073709551615") == std::numeric_limits<std::uint64_t>::max());
  CHECK(parse_decimal("18446744073709551617") == 1);
  for (const auto* text : {"-1", "+1", "1.0", "1e3", " 1", "1 ", "0x10", "abc", "1s"})
    CHECK_FALSE(parse_decimal(text));
}

TEST_CASE("milliseconds too large to be nanoseconds wrap as well", "[protocol]") {
  CHECK(wrapped_nanoseconds(1500) == 1'500'000'000);
  CHECK(wrapped_nanoseconds(9'223'372'036'855) < 0);
  CHECK(wrapped_nanoseconds(std::numeric_limits<std::uint64_t>::max()) == -1'000'000);
}

TEST_CASE("quoting escapes what cannot be seen and leaves what can", "[protocol]") {
  CHECK(quote("") == R"("")");
  CHECK(quote("t\"\xff!") == R"("t\"\xff!")");
  CHECK(quote("t\\") == R"("t\\")");
  CHECK(quote("\a\b\f\n\r\t\v") == R"("\a\b\f\n\r\t\v")");
  CHECK(quote(std::string_view("\0\x01\x1f\x7f", 4)) == R"("\x00\x01\x1f\x7f")");
  CHECK(quote("caf\xc3\xa9 \xe6\xb6\x88 \xf0\x9f\x98\x80") ==
        "\"caf\xc3\xa9 \xe6\xb6\x88 \xf0\x9f\x98\x80\"");
  CHECK(quote("\xc2\x85\xc2\xa0\xc2\xad\xe2\x80\xa8") == R"("\u0085\u00a0\u00ad\u2028")");
  CHECK(quote("\xf3\xa0\x80\x81") == R"("\U000e0001")");
  CHECK(quote("\xed\xa0\x80\xc0\xaf\xe2\x82") == R"("\xed\xa0\x80\xc0\xaf\xe2\x82")");
  CHECK(quote("\xef\xbf\xbd") == "\"\xef\xbf\xbd\"");
}

TEST_CASE("JSON text that is no Unicode is made so, and other text is left alone", "[protocol]") {
  const std::string good = "{\"a\":\"\\u00e9\\\\ud800 \xc3\xa9 \\ud83d\\ude00\\n\"}";
  CHECK(with_valid_unicode(good) == good);
  CHECK(with_valid_unicode("\"a\xff\xc0\"") == "\"a\xef\xbf\xbd\xef\xbf\xbd\"");
  CHECK(with_valid_unicode(R"("\ud800x")") == "\"\xef\xbf\xbdx\"");
  CHECK(with_valid_unicode(R"("\udc00\ud800\ud800\udc00")") ==
        "\"\xef\xbf\xbd\xef\xbf\xbd\\ud800\\udc00\"");
  CHECK(with_valid_unicode("\\") == "\\");
  CHECK(with_valid_unicode("\"\\ud8") == "\"\\ud8");
  CHECK(with_valid_unicode("\\\xff") == "\\\xef\xbf\xbd");
}
