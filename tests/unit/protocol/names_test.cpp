#include "protocol/names.h"

#include <string>

#include "support/catch.h"

using namespace nsq::protocol;

TEST_CASE("a name is 1 to 64 letters, digits, dots, underscores and dashes", "[protocol]") {
  for (const auto* name : {"a", "-", ".", "_", "0", "..", "aZ09._-"}) CHECK(is_valid_name(name));
  CHECK(is_valid_name(std::string(64, 'x')));
  CHECK_FALSE(is_valid_name(std::string(65, 'x')));
  CHECK_FALSE(is_valid_name(""));
  for (const auto* name : {"a b", "a!", "a/b", "a:b", "*", "a\n", "\xc3\xa9", "a,b"})
    CHECK_FALSE(is_valid_name(name));
  CHECK_FALSE(is_valid_name(std::string_view("a\0", 2)));
}

TEST_CASE("the ephemeral suffix counts in the length and needs something before it", "[protocol]") {
  CHECK(is_valid_name("a#ephemeral"));
  CHECK(is_valid_name(std::string(54, 'y') + "#ephemeral"));
  CHECK_FALSE(is_valid_name(std::string(55, 'y') + "#ephemeral"));
  for (const auto* name : {"#ephemeral", "a#ephemeralx", "a#EPHEMERAL", "a#ephemera", "a#",
                           "a#ephemeral#ephemeral", "a#b"})
    CHECK_FALSE(is_valid_name(name));
  CHECK(is_ephemeral("a#ephemeral"));
  CHECK_FALSE(is_ephemeral("ephemeral"));
}
