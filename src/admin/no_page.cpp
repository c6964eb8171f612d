// What is served in the page's place by a build without NSQ_ADMIN_UI.
#include <array>

#include "admin/assets.h"

namespace nsq::admin {
namespace {

constexpr std::string_view kPage =
    "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>nsq admin</title>"
    "</head><body><h1>nsq admin</h1><p>This program was built without the admin page "
    "(NSQ_ADMIN_UI=OFF). The JSON API under <code>api/</code> is there all the same.</p>"
    "</body></html>\n";

constexpr std::array<Asset, 1> kAssets = {{{"index.html", kPage, false, kPage.size()}}};

}  // namespace

std::span<const Asset> built_in_assets() {
  return kAssets;
}

}  // namespace nsq::admin
