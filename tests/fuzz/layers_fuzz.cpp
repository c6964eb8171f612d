// Any bytes a client may send once it has asked for TLS or compression. The first says which, the
// second into which pieces the rest is cut.
#include <algorithm>
#include <string>
#include <string_view>

#include "base/assert.h"
#include "net/deflate_layer.h"
#include "net/snappy_layer.h"
#include "net/tls_context.h"
#include "net/tls_layer.h"
#include "support/certificates.h"

using namespace nsq::net;

namespace {

constexpr std::size_t kMaxDecoded = std::size_t{1} << 20;

// Decodes until nothing more comes, an error does, or it is enough.
void decode(Layer& layer, std::string_view wire, std::size_t piece, std::size_t room_bytes) {
  std::string room(room_bytes, '\0');
  std::size_t total = 0;
  while (!wire.empty()) {
    std::string_view offered = wire.substr(0, piece);
    wire.remove_prefix(offered.size());
    for (;;) {
      const auto count = layer.decode(offered, {room.data(), room.size()});
      std::string answer;
      layer.flush(answer);
      if (!count || layer.is_at_end()) return;
      NSQ_ASSERT(*count <= room.size());
      total += *count;
      if (total > kMaxDecoded) return;
      if (*count == room.size()) continue;
      NSQ_ASSERT(offered.empty());
      break;
    }
  }
}

void shake_hands(std::string_view wire, std::size_t piece) {
  static const nsq::test::Certificates made;
  static const auto context =
      TlsContext::for_server({.cert_file = made.server().cert, .key_file = made.server().key})
          .value();
  const auto layer = TlsContext::accept(context);
  while (!wire.empty()) {
    std::string_view offered = wire.substr(0, piece);
    wire.remove_prefix(offered.size());
    const auto done = layer->handshake(offered);
    std::string answer;
    layer->flush(answer);
    if (!done) return;
    // Without its key nobody gets to the end.
    NSQ_ASSERT(!*done && offered.empty());
  }
}

// What was encoded is decoded to the same.
void there_and_back(Layer& sender, Layer& receiver, std::string_view plain, std::size_t piece) {
  std::string wire;
  for (std::string_view rest = plain; !rest.empty();
       rest.remove_prefix(std::min(piece, rest.size())))
    sender.encode(rest.substr(0, piece), wire);
  sender.flush(wire);
  std::string room(plain.size() + 1, '\0');
  std::string_view undecoded = wire;
  const auto count = receiver.decode(undecoded, {room.data(), room.size()});
  NSQ_ASSERT(count && *count == plain.size() && room.substr(0, *count) == plain);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const std::string_view input(reinterpret_cast<const char*>(data) + 2, size - 2);
  const std::size_t piece = std::size_t{1} + data[1];
  SnappyLayer snappy;
  SnappyLayer other_snappy;
  DeflateLayer deflate(1 + data[1] % 9);
  DeflateLayer other_deflate(1);
  switch (data[0] % 5) {
    case 0:
      decode(snappy, input, piece, 4096);
      break;
    case 1:
      decode(deflate, input, piece, 4096);
      break;
    case 2:
      shake_hands(input, piece);
      break;
    case 3:
      there_and_back(snappy, other_snappy, input, piece);
      break;
    default:
      there_and_back(deflate, other_deflate, input, piece);
  }
  return 0;
}
