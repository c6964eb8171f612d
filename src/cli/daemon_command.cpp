#include <fmt/format.h>

#include "base/log.h"
#include "cli/commands.h"
#include "cli/daemon_flags.h"
#include "daemon/run.h"

namespace nsq::cli {
namespace {

constexpr std::int64_t kMaxNodeId = 1023;

// What is wrong with settings that only the command line can have.
std::string find_mistake(const DaemonFlags& chosen, bool has_node_id) {
  if (!chosen.config.empty()) {
    return fmt::format("failed to load config file {} - config files come with a later version",
                       chosen.config);
  }
  if (has_node_id && (chosen.node_id < 0 || chosen.node_id > kMaxNodeId)) {
    return "failed to instantiate nsqd - --node-id must be [0,1024)";
  }
  return "";
}

}  // namespace

int run_daemon(const Invocation& invocation) {
  DaemonFlags chosen;
  FlagTable flags("nsqd", "Receives messages, stores them and delivers them.");
  add_daemon_flags(flags, chosen);
  std::vector<std::string> ignored;
  if (const auto status = read_command_line(flags, invocation, ignored)) return *status;

  const bool has_node_id = flags.find("node-id")->given;
  if (const auto mistake = find_mistake(chosen, has_node_id); !mistake.empty()) {
    log::fatal("{}", mistake);
    return kExitFailure;
  }
  if (has_node_id) chosen.options.id = chosen.node_id;
  if (const auto warning = ignored_arguments_warning(ignored); !warning.empty()) {
    log::set_prefix(chosen.options.log_prefix);
    log::warning("{}", warning);
  }
  return daemon::run(chosen.options);
}

}  // namespace nsq::cli
