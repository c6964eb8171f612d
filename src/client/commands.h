#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "base/instant.h"

// What a client sends: commands appended to `out` as they go over the wire. Names and ids are taken
// as they are; the caller has checked them.
namespace nsq::client {

void append_identify(std::string& out, std::string_view json);
void append_sub(std::string& out, std::string_view topic, std::string_view channel);
void append_rdy(std::string& out, std::int64_t count);
void append_fin(std::string& out, std::string_view id);
void append_req(std::string& out, std::string_view id, Duration delay);  // whole milliseconds
void append_touch(std::string& out, std::string_view id);
void append_nop(std::string& out);
void append_cls(std::string& out);

void append_auth(std::string& out, std::string_view secret);

void append_pub(std::string& out, std::string_view topic, std::string_view body);
void append_dpub(std::string& out, std::string_view topic, Duration delay, std::string_view body);
// One command that publishes all of `bodies` or none.
void append_mpub(std::string& out, std::string_view topic,
                 std::span<const std::string_view> bodies);

// How many bytes that is after the command's line: what a daemon's limit is about.
std::size_t mpub_bytes(std::span<const std::string_view> bodies);

}  // namespace nsq::client
