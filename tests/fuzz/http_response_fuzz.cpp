#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "http/response_parser.h"
#include "http/url.h"

// Arbitrary bytes as a server's response, whole and byte by byte, must be read the same way.

namespace {

using nsq::http::ResponseParser;
using Event = ResponseParser::Event;

std::string read(std::string_view bytes, std::size_t piece) {
  ResponseParser parser(512);
  Event event = Event::NeedInput;
  while (!bytes.empty() && event == Event::NeedInput) {
    event = parser.feed(bytes.substr(0, piece));
    bytes.remove_prefix(bytes.size() < piece ? bytes.size() : piece);
  }
  if (event == Event::NeedInput) event = parser.end();
  if (event != Event::Complete) return "";
  std::string reading = std::to_string(parser.response().status);
  for (const auto& [name, value] : parser.response().headers) reading.append(name).append(value);
  return reading + parser.response().body;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  if (read(bytes, size + 1) != read(bytes, 1)) std::abort();
  if (const auto url = nsq::http::parse_url(bytes)) {
    const auto again = nsq::http::parse_url(url->text());
    if (!again || again->text() != url->text()) std::abort();
    nsq::http::resolve_location(*url, bytes);
  }
  return 0;
}
