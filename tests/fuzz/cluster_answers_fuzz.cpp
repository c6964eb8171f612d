// Any answer of a daemon or a lookupd, added up with itself.
#include <string_view>

#include "base/assert.h"
#include "cluster/merge.h"
#include "cluster/node.h"
#include "cluster/stats.h"

using namespace nsq::cluster;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view body(reinterpret_cast<const char*>(data), size);
  if (auto nodes = parse_producers(body)) mark_out_of_date(*nodes);
  static_cast<void>(parse_info(body));
  static_cast<void>(parse_names(body, "topics"));
  const auto stats = parse_stats(body);
  if (!stats) return 0;
  for (const TopicStats& topic : stats->topics) {
    const TopicStats sum = merge_topic(topic.name, {topic, topic});
    NSQ_ASSERT(sum.nodes.size() == 2);
    NSQ_ASSERT(sum.channels.size() <= topic.channels.size());
  }
  return 0;
}
