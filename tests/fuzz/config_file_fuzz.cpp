#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "cli/config_file.h"
#include "cli/daemon_flags.h"

// Arbitrary bytes as a config file, for all of the daemon's flags.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  nsq::cli::DaemonFlags chosen;
  nsq::cli::FlagTable flags("nsqd", "");
  nsq::cli::add_daemon_flags(flags, chosen);
  std::vector<std::string> warnings;
  [[maybe_unused]] const auto applied = nsq::cli::apply_config(flags, bytes, warnings);
  return 0;
}
