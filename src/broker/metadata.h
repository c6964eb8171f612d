#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "nsq/result.h"

namespace nsq::broker {

// The content of nsqd.dat: which topics and channels exist, and which are paused, in the form the
// original writes and scripts read.
struct Metadata {
  struct Channel {
    std::string name;
    bool paused = false;
  };
  struct Topic {
    std::string name;
    bool paused = false;
    std::vector<Channel> channels;
  };
  std::vector<Topic> topics;

  std::string to_json(std::string_view version) const;
  // Entries with invalid names are left out; null, [] and absence are the same.
  // Errors: not the JSON of a metadata file.
  static Result<Metadata> from_json(std::string_view json);
};

}  // namespace nsq::broker
