#pragma once

#include <memory>
#include <string>

#include "base/instant.h"
#include "lookupd/options.h"
#include "lookupd/registry.h"

// What lookupd answers over HTTP, as JSON.
namespace nsq::lookupd {

// Whether the daemon was heard from in time.
bool is_active(const Registry::Peer& peer, Moment now, const Options& options);

// An answer about everything there is, which may take long to write: it is written in slices, and
// the loop does other things in between. What changes meanwhile may or may not be in it; each
// producer and each topic by itself is as it was at one moment.
//
// Threading: confined, with the registry.
class SlicedAnswer {
 public:
  virtual ~SlicedAnswer() = default;
  // Appends the next slice to `out`, some hundred microseconds' worth. True when that was the last.
  virtual bool write_slice(Moment now, std::string& out) = 0;
};

std::string lookup_answer(const Registry& registry, const Registry::Topic& topic, Moment now,
                          const Options& options);
// A null topic has no channels.
std::string channels_answer(const Registry::Topic* topic);

// The registry and the options outlive the answer.
std::unique_ptr<SlicedAnswer> topics_answer(const Registry& registry);
std::unique_ptr<SlicedAnswer> nodes_answer(const Registry& registry, const Options& options);
std::unique_ptr<SlicedAnswer> debug_answer(const Registry& registry);

}  // namespace nsq::lookupd
