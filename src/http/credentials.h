#pragma once

#include <string>
#include <string_view>

// A user's name and password within a URL, which are sent in a header instead.
namespace nsq::http {

// Takes "user:password@" out of a URL; returns "user:password" as it stands there, or nothing.
std::string take_credentials(std::string& url);

// The value of an Authorization header for what `take_credentials` returned: "Basic dXNlcjp4".
std::string basic_authorization(std::string_view credentials);

}  // namespace nsq::http
