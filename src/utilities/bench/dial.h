#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "nsq/config.h"
#include "nsq/result.h"
#include "utilities/bench/link.h"

namespace nsq::utilities {

// Opens so many connections, to the addresses in turn, by the client library's handshake with all
// the configuration asks for. Blocks. Errors: those of client::Connection::open, with the address.
Result<std::vector<std::unique_ptr<Link>>> dial_nsq(const std::vector<std::string>& addresses,
                                                    std::size_t count, const Config& config);
// The same without any handshake.
Result<std::vector<std::unique_ptr<Link>>> dial_http(const std::vector<std::string>& addresses,
                                                     std::size_t count, const Config& config);

// Sends SUB and waits for the answers. Blocks. Links that were dealt out to so many addresses are
// dealt out to the channels such that every daemon has consumers of every channel, if there are
// enough.
// Errors: the daemon's answer, or that none came within the configuration's read timeout.
Result<void> subscribe(std::vector<std::unique_ptr<Link>>& links, const std::string& topic,
                       const std::vector<std::string>& channels, std::size_t addresses,
                       const Config& config);

}  // namespace nsq::utilities
