#include "cli/commands.h"
#include "utilities/health.h"
#include "utilities/notice.h"

namespace nsq::cli {

int run_health(const Invocation& invocation) {
  utilities::HealthOptions options;
  FlagTable flags(
      "nsq health",
      "Asks daemons, lookupds and admins whether they are well. Status: 0 if all are, 1 "
      "if one is not or nobody is there.");
  flags.group("Health")
      .add("http-address", options.http_address, "host:port",
           "a server to ask; by default those on the ports 4151, 4161 and 4171 of this host")
      .add("timeout", options.timeout, "for an answer")
      .add("wait", options.wait, "go on asking so long until all are well")
      .add("absent-is-healthy", options.absent_is_healthy,
           "status 0 also where nobody listens: for images that run tools as well");

  flags.example("", "The servers of this host.")
      .example("--http-address=10.0.0.1:4151 --wait=30s",
               "Waits until a daemon that is starting is well.");

  Remarks remarks;
  if (const auto status = read_command_line(flags, invocation, remarks)) return *status;
  for (const std::string& warning : remarks.warnings) utilities::notice("Warning: " + warning);
  if (options.timeout <= Duration::zero() || options.wait < Duration::zero()) {
    utilities::notice("--timeout should be positive, and --wait not negative");
    return kExitFailure;
  }
  return utilities::health(options);
}

}  // namespace nsq::cli
