#pragma once

#include <string>
#include <string_view>

// Percent-encoding as URLs use it.
namespace nsq::http {

enum class Plus { Literal, Space };  // what '+' means: itself in a path, a space in a query

// Appends `text` decoded to `out`. False, with `out` in an unspecified state, if a '%' is not
// followed by two hexadecimal digits.
bool percent_decode(std::string_view text, Plus plus, std::string& out);

// A decoded path as it may stand in a request line or Location header.
std::string encode_path(std::string_view path);
// One name or value of a query string; a space becomes '+'.
std::string encode_query(std::string_view text);

}  // namespace nsq::http
