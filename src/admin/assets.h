#pragma once

#include <cstddef>
#include <span>
#include <string_view>

namespace nsq::admin {

// A file of the page, as the build compiled it in.
struct Asset {
  std::string_view name;  // "index.html", "static/index-1a2b3c4d.js"
  std::string_view bytes;
  bool is_gzip;
  std::size_t size;  // uncompressed
};

// All of them; without NSQ_ADMIN_UI only an index.html that says so.
std::span<const Asset> built_in_assets();

}  // namespace nsq::admin
