#include "utilities/splitter.h"

#include <string>
#include <vector>

#include "support/catch.h"

using nsq::utilities::Splitter;

namespace {

// What a stream is cut into when it arrives in chunks of `chunk_bytes`; the rest comes last.
std::vector<std::string> pieces_of(std::string_view stream, std::size_t chunk_bytes,
                                   char delimiter = '\n') {
  Splitter splitter(delimiter);
  std::vector<std::string> pieces;
  for (std::size_t at = 0; at < stream.size(); at += chunk_bytes) {
    for (const auto piece : splitter.add(stream.substr(at, chunk_bytes))) {
      pieces.emplace_back(piece);
    }
  }
  if (!splitter.rest().empty()) pieces.emplace_back(splitter.rest());
  return pieces;
}

using Pieces = std::vector<std::string>;

}  // namespace

TEST_CASE("a stream is cut at its delimiters whatever chunks it comes in", "[utilities]") {
  const std::string stream = "one\n\ntwo words\n\n\nthree\n";
  for (std::size_t chunk = 1; chunk <= stream.size(); ++chunk) {
    CAPTURE(chunk);
    CHECK(pieces_of(stream, chunk) == Pieces{"one", "two words", "three"});
  }
}

TEST_CASE("a last piece without a delimiter is kept whole", "[utilities]") {
  CHECK(pieces_of("lonely", 4) == Pieces{"lonely"});
  CHECK(pieces_of("a\nb", 1) == Pieces{"a", "b"});
  CHECK(pieces_of("a\n", 1) == Pieces{"a"});
  CHECK(pieces_of("", 1).empty());
}

TEST_CASE("any byte may be the delimiter", "[utilities]") {
  CHECK(pieces_of("a,b\nc,,d,", 2, ',') == Pieces{"a", "b\nc", "d"});
  CHECK(pieces_of(std::string_view("a\0b", 3), 1, '\0') == Pieces{"a", "b"});
}
