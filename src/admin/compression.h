#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace nsq::admin {

enum class Encoding { Identity, Gzip, Deflate };

// The first of gzip and deflate that an Accept-Encoding header allows; weights other than 0 do not
// matter.
Encoding choose_encoding(std::string_view accept_encoding);
std::string_view to_text(Encoding encoding);  // "gzip"

// Deflate is the bare stream, without zlib's frame, as the original sends it.
std::string compress(std::string_view bytes, Encoding encoding);
// Of gzip only. Nothing if it is broken, or becomes longer than `limit`.
std::optional<std::string> decompress(std::string_view bytes, std::size_t limit);

}  // namespace nsq::admin
