#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include "base/instant.h"
#include "cluster/cluster.h"

namespace nsq::utilities {

// Messages per second since the sample before; nothing while there is none to compare with.
using Rate = std::optional<double>;

struct ChannelOverview {
  cluster::ChannelStats sum{};
  Rate ingress{};
  Rate egress{};
};

struct TopicOverview {
  cluster::TopicStats sum{};
  Rate ingress{};
  std::vector<ChannelOverview> channels{};  // by name
};

// Puts those topics first through which most messages pass, in and out; where that is the same, by
// name.
void sort_by_traffic(std::vector<TopicOverview>& topics);

// All topics and channels of a cluster, with rates from sample to sample.
//
// Rates are taken daemon by daemon, and leave out those that are in one of the two samples only or
// have started anew in between: what such a daemon counts says nothing about the time.
//
// Threading: confined.
class Overview {
 public:
  // The topics in a sample taken at this time, by name.
  std::vector<TopicOverview> add(std::vector<cluster::NodeStats> sample, Instant taken);

 private:
  struct Counts {
    std::int64_t messages = 0;
    std::int64_t depth = 0;
  };
  struct Change {
    Rate ingress;
    Rate egress;
  };
  using Place = std::tuple<std::string, std::string, std::string>;  // node, topic, channel or ""
  using Sample = std::map<Place, Counts>;

  template <typename Stats>
  Change change(const std::vector<Stats>& nodes, const std::string& topic,
                const std::string& channel, Sample& into);

  Sample last_;
  Instant last_taken_;
  double seconds_ = 0;  // between the last two samples
};

}  // namespace nsq::utilities
