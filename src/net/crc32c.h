#pragma once

#include <cstdint>
#include <string_view>

namespace nsq::net {

// The Castagnoli checksum (iSCSI's, 0x1EDC6F41 reflected), by the processor's own instruction where
// it has one.
std::uint32_t crc32c(std::string_view bytes);
// The same without the instruction.
std::uint32_t crc32c_portable(std::string_view bytes);

}  // namespace nsq::net
