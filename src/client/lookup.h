#pragma once

#include <asio/awaitable.hpp>
#include <asio/io_context.hpp>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/instant.h"
#include "net/tls_context.h"
#include "nsq/result.h"

// Asking a lookupd which daemons have a topic.
namespace nsq::client {

// The question as a URL, from what a user calls the lookupd: "host:port" or a URL, whose path is
// /lookup unless it has another one.
// Errors: InvalidArgument: no URL, or without a port.
Result<std::string> lookup_url(std::string_view address, std::string_view topic);

// The daemons' addresses, "host:port", in the order of the answer, without repetition. Both forms
// of the answer are understood: the list on its own, and within "data". Entries that make no
// address are left out, and so is what is beyond kMaxProducers. Errors: LookupFailed.
inline constexpr std::size_t kMaxProducers = 10'000;
Result<std::vector<std::string>> parse_lookup_answer(std::string_view json);

// `secret`, unless empty, is sent along. `tls` is for lookupds that are asked by https; may be
// null. Errors: LookupFailed, with the status of an answer that is none; those of http::fetch.
asio::awaitable<Result<std::vector<std::string>>> ask_lookupd(
    asio::io_context& loop, std::string url, std::string secret,
    std::shared_ptr<const net::TlsContext> tls, Duration timeout);

}  // namespace nsq::client
