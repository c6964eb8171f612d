#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "base/instant.h"
#include "nsq/result.h"
#include "storage/file_system.h"

// What an nsqd left in a data path: nsqd.dat, which this program reads as it is, and its queues on
// disk (diskqueue.h), which are turned into logs, once, before the broker loads.
//
// The steps are in an order that a crash between any two of them neither loses nor doubles a
// message:
//   importing.tmp/           everything is built in here; a leftover is thrown away and begun anew
//   importing.<time>/        its name once it is complete and synced: from here on the logs in it
//                            count, and a start that finds it goes on with the next two
//   topics/<topic>@<number>  where the logs are moved
//   imported.<time>/         where the old files are moved, and stay until somebody removes them;
//                            a copy of nsqd.dat beside them
namespace nsq::broker {

struct ImportOptions {
  std::string data_path;  // not empty
  std::uint32_t node_id = 0;
  std::uint64_t max_bytes_per_file = 104'857'600;
  std::uint64_t seed = 0;
};

struct ImportSummary {
  std::uint64_t topics = 0;
  std::uint64_t messages = 0;
  std::uint64_t damaged = 0;  // places in old files that could not be read
};

// Imports what there is, usually nothing; says in the log what it finds, and how far it is. A
// topic's backlog goes to all its channels, a channel's to that one alone; ids, timestamps and
// attempts stay. What cannot be read is passed over, record by record, and counted. The files of a
// topic that has messages here already are left where they are. Blocks for as long as copying
// takes, with bounded memory.
// Errors: I/O, or operation_canceled once `is_stopping` (which may be null) says so: to be called
// again at the next start.
Result<ImportSummary> import_diskqueues(const ImportOptions& options, storage::FileSystem& files,
                                        Timestamp now, const std::function<bool()>& is_stopping);

}  // namespace nsq::broker
