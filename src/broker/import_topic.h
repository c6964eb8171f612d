#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "broker/diskqueue.h"
#include "broker/import.h"
#include "broker/journal_entries.h"
#include "storage/journal.h"
#include "storage/log_builder.h"

namespace nsq::broker {

// The files of one queue, by number.
struct ImportQueue {
  bool is_noted = false;  // nsqd.dat has its channel
  bool has_meta = false;
  std::map<std::uint64_t, std::string> data_files;
};

// A topic to be imported.
struct ImportTopic {
  std::string name;
  bool known = false;  // nsqd.dat has it
  bool paused = false;
  ImportQueue queue;
  std::map<std::string, ImportQueue> channels;
};

// Builds the log and the journal of one topic.
//
// The log holds a message once and all channels read it, so a message of one channel's queue is
// written down as finished for all others; one range each does for a whole queue. The channels'
// queues come first, being older, then the topic's own.
//
// Threading: confined. Blocks.
class TopicImport {
 public:
  struct Context {
    const ImportOptions& options;
    storage::FileSystem& files;
    const std::function<bool()>& is_stopping;
    ImportSummary& summary;
  };

  // `directory` is where the log goes; it is made with the first message, if there is one.
  TopicImport(const Context& context, const ImportTopic& topic, std::string directory, Index first);

  // Errors: I/O, or operation_canceled.
  Result<void> run();

 private:
  struct Channel {
    std::string name;
    std::uint32_t number = 0;
    IndexRange own;  // the messages of its queue
  };

  Result<void> import_queue(const ImportQueue& queue, const std::string& base,
                            const Channel* owner);
  Result<void> import_file(const std::string& name, std::uint64_t offset, const Channel* owner);
  Result<void> add(const DiskqueueRecord& record, const Channel* owner);
  Result<void> begin();
  Result<void> finish(Index own_begin);
  Result<void> flush_entries();
  std::string path_of(const std::string& name) const;

  const Context context_;
  const ImportTopic& topic_;
  const std::string directory_;
  storage::LogBuilder log_;
  storage::Journal journal_;
  const Index first_;
  std::string entries_;  // of the journal, not written yet
  std::vector<Channel> channels_;
  bool begun_ = false;
  std::uint64_t kept_attempts_ = 0;
};

}  // namespace nsq::broker
