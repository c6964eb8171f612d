#include <cerrno>
#include <cstring>

#include "base/log.h"
#include "cli/commands.h"
#include "cli/daemon_flags.h"
#include "daemon/run.h"

namespace nsq::cli {
namespace {

constexpr std::int64_t kMaxNodeId = 1023;

}  // namespace

int run_daemon(const Invocation& invocation) {
  DaemonFlags chosen;
  FlagTable flags("nsqd", "Receives messages, stores them and delivers them.");
  add_daemon_flags(flags, chosen);
  Remarks remarks;
  if (const auto status = read_settings(flags, invocation, remarks)) return *status;

  // -1 is the options' way of saying that none was chosen.
  if (chosen.has_node_id && (chosen.node_id < 0 || chosen.node_id > kMaxNodeId)) {
    log::fatal("failed to instantiate nsqd - --node-id must be [0,1024)");
    return kExitFailure;
  }
  if (chosen.has_node_id) chosen.options.id = chosen.node_id;
  const daemon::Options& options = chosen.options;
  if (!options.log_file.empty() && !log::set_file(options.log_file)) {
    log::fatal("cannot open the log file {} - {}", options.log_file, std::strerror(errno));
    return kExitFailure;
  }
  log::set_prefix(options.log_prefix);
  log::set_format(log::parse_format(options.log_format).value_or(log::Format::Text));
  log::set_level(log::parse_level(chosen.options.log_level).value_or(log::Level::Info));
  log_remarks(remarks);
  return daemon::run(chosen.options);
}

}  // namespace nsq::cli
