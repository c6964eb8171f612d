#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "admin/options.h"
#include "http/client.h"
#include "net/address_range.h"
#include "nsq/result.h"

namespace nsq::admin {

// Options in order, and what is made of them.
struct CheckedOptions {
  Options options;  // with the base path cleaned
  http::ClientOptions client;
  std::optional<net::AddressRange> config_range;  // nothing: from anywhere
};

// Refuses what cannot work, in the original's order and words. Reads the TLS files.
// Errors: the context is the line for the user.
Result<CheckedOptions> check_options(Options options);

// "/" or a path that begins with a slash and does not end in one.
std::string clean_base_path(std::string_view path);

}  // namespace nsq::admin
