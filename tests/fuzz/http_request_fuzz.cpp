#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "http/request_parser.h"
#include "http/router.h"

// Arbitrary bytes as a stream of requests, whole and in pieces, must be read the same way.

namespace {

using nsq::http::RequestParser;
using Event = RequestParser::Event;

constexpr std::size_t kBodyLimit = 64;

std::string read(std::string_view bytes, std::size_t piece) {
  RequestParser parser({.head_bytes = 512, .header_count = 8, .drained_bytes = 64});
  std::string reading;
  while (!bytes.empty()) {
    const auto room = parser.room();
    const std::size_t size = std::min({room.size(), bytes.size(), piece});
    std::copy_n(bytes.data(), size, room.data());
    parser.received(size);
    bytes.remove_prefix(size);
    for (Event event = parser.advance(); event != Event::NeedInput; event = parser.advance()) {
      const auto& request = parser.request();
      reading += static_cast<char>('0' + static_cast<int>(event));
      if (event == Event::Head) {
        parser.limit_body(kBodyLimit);
      } else if (event == Event::Complete) {
        reading.append(request.method_text).append(request.path).append(request.raw_query);
        for (const auto& header : request.headers) reading.append(header.name).append(header.value);
        reading.append(request.body).append(request.body_over_limit ? "!" : "");
        if (const auto* query = request.query()) reading.append(query->get("topic"));
      } else {
        return reading;
      }
    }
  }
  return reading;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  // Where a limit is passed inside one piece, the pieces decide how far beyond it reading goes, so
  // only streams within the limits are compared.
  const std::string in_pieces = read(bytes, 1);
  if (size <= 64 && read(bytes, size + 1) != in_pieces) std::abort();
  read(bytes, 7);
  nsq::http::clean_path(bytes);
  return 0;
}
