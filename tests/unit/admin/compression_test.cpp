#include "admin/compression.h"

#include "support/catch.h"

using namespace nsq::admin;

TEST_CASE("the first compression that a client takes is chosen", "[admin]") {
  CHECK(choose_encoding("") == Encoding::Identity);
  CHECK(choose_encoding("br, identity") == Encoding::Identity);
  CHECK(choose_encoding("gzip, deflate, br") == Encoding::Gzip);
  CHECK(choose_encoding(" deflate ,gzip") == Encoding::Deflate);
  CHECK(choose_encoding("gzip;q=0.5") == Encoding::Gzip);
  CHECK(choose_encoding("gzip;q=0, deflate") == Encoding::Deflate);
  CHECK(choose_encoding("gzip; q=0.0") == Encoding::Identity);
}

TEST_CASE("what is compressed comes out the same", "[admin]") {
  const std::string text(10'000, 'x');
  const std::string packed = compress(text, Encoding::Gzip);
  CHECK(packed.size() < 200);
  CHECK(decompress(packed, text.size()) == text);
  CHECK_FALSE(decompress(packed, text.size() - 1));
  CHECK_FALSE(decompress(packed.substr(0, 10), text.size()));
  CHECK_FALSE(decompress("no gzip", 100));
  CHECK(decompress(compress("", Encoding::Gzip), 0) == "");
}
