#include "daemon/topology.h"

#include <algorithm>

namespace nsq::daemon {
namespace {

constexpr std::string_view kExperiment = "topology-aware-consumption";

}  // namespace

void set_locality(const Options& options, std::string_view zone, std::string_view region,
                  broker::SubscriptionOptions& subscription) {
  using broker::Locality;
  const auto& enabled = options.enable_experiment;
  if (std::find(enabled.begin(), enabled.end(), kExperiment) == enabled.end()) return;
  const bool same_zone = zone == options.topology_zone;
  const bool same_region = region == options.topology_region;
  subscription.locality = same_zone     ? Locality::Zone
                          : same_region ? Locality::Region
                                        : Locality::Global;
  if (same_zone && !zone.empty()) {
    subscription.preference = Locality::Zone;
  } else if (same_region && !region.empty()) {
    subscription.preference = Locality::Region;
  }
}

}  // namespace nsq::daemon
