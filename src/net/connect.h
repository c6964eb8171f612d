#pragma once

#include <asio/awaitable.hpp>
#include <optional>
#include <vector>

#include "base/instant.h"
#include "net/address.h"
#include "net/socket.h"
#include "nsq/result.h"

namespace nsq::net {

// The endpoints an address stands for, as `resolve` finds them, but without blocking: a name is
// asked for off the loop. The coroutine runs on the loop.
// Errors: NetErrc::UnknownPort, NoSuchHost, PathTooLong, TimedOut.
asio::awaitable<Result<std::vector<Endpoint>>> find_endpoints(asio::io_context& loop,
                                                              Address address, Duration limit);

// Connects to an address: resolves a name off the loop, then tries each endpoint in turn until one
// answers. The limit covers all of it. The socket is tuned and belongs to the given loop, which
// the coroutine must run on. With `source` it comes from that address, which excludes endpoints of
// another family.
// Errors: "dial tcp HOST:PORT: connect: connection refused", "...: i/o timeout" and the like.
asio::awaitable<Result<Socket>> connect(asio::io_context& loop, Address address, Duration limit,
                                        std::optional<Endpoint> source = {});

}  // namespace nsq::net
