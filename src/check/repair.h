#pragma once

#include <string>
#include <vector>

#include "check/inspection.h"

namespace nsq::check {

// Makes a damaged directory one that a daemon reads without complaint, of what can be read:
//   - a damaged segment is replaced by a copy that holds its sound records; one of which nothing
//     can be read goes;
//   - the journal of a damaged topic is written anew, with what it said and with what is missing
//     noted as such, so that nobody waits for it;
//   - an nsqd.dat that cannot be read is written anew; what was paused is not known then.
// The damaged originals stay in the directory "damaged-NUMBER" of the data path, under their own
// paths. Each file is replaced in one step, once its original is safe: an interrupted repair can be
// repeated.
//
// Returns a line for each thing done. Requires: `report` is what `inspection` read, and the
// directory is locked. Errors: I/O.
Result<std::vector<std::string>> repair(storage::FileSystem& files, const Inspection& inspection,
                                        const DirectoryReport& report, const std::string& version,
                                        Timestamp now);

}  // namespace nsq::check
