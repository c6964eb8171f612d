#pragma once

#include <optional>
#include <string>

#include "admin/options.h"
#include "http/request.h"
#include "net/address_range.h"

// Who may do what.
namespace nsq::admin {

// Whether the user whom the configured header names is one of the admin users, or none are named.
bool is_admin(const http::Request& request, const Options& options);

// Whether the request is no browser's doing on behalf of another site: browsers say where a request
// comes from (Sec-Fetch-Site, Origin), scripts say nothing. A proxy in between may have changed the
// Host header; the newer browsers' Sec-Fetch-Site does not depend on it, and for the others
// X-Forwarded-Host is looked at as well.
bool is_from_here(const http::Request& request);

enum class ConfigAccess { Allowed, Forbidden, BadAddress };
// Whether the peer is inside the range; without one everybody is.
ConfigAccess config_access(const http::Request& request,
                           const std::optional<net::AddressRange>& range);

// The user's name in a Basic Authorization header; empty if there is none.
std::string basic_user(const http::Request& request);

}  // namespace nsq::admin
