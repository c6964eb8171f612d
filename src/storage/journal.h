#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/mutex.h"
#include "nsq/result.h"
#include "storage/file_system.h"

namespace nsq::storage {

// What a journal's file holds, besides its entries.
struct JournalReading {
  std::uint64_t bytes = 0;  // of the file; 0: there is none, or it is empty
  std::uint64_t seed = 0;   // as the header says, or what it would be if it were not damaged
  std::uint64_t entries = 0;
  std::uint64_t valid_end = 0;   // where the last valid entry ends
  std::uint64_t unreadable = 0;  // bytes, before that and behind it
  std::uint64_t damaged = 0;  // places before that, or the header, which no crash leaves like that
  bool header_damaged = false;  // or not all there; no entry was read then
};
// Calls `visit` with each payload, oldest first, and changes nothing. Of a file whose header is
// damaged, the entries are read whose checksums are right with `seed`, if one is given.
// Errors: I/O, or NewerFormat.
Result<JournalReading> read_journal(FileSystem& files, const std::string& path,
                                    std::optional<std::uint64_t> seed,
                                    const std::function<void(std::string_view payload)>& visit);

// A file of small entries that say what changed, replayed at the next start and rewritten from the
// present state when it has grown. What an entry means is its owner's business.
//
// An entry is valid as a whole or not at all. Format, docs/log_format.md; integers are
// little-endian, checksums XXH3-64 with the journal's seed, the short ones its low half:
//   header  8  "NSQJRNL" and a zero byte
//           4  version
//           4  checksum of the 12 bytes before
//           8  seed of the checksums
//   entry   8  checksum of all that follows
//           4  length of the payload
//           4  checksum of the length, so that a damaged one is not followed
//           n  payload
// To change it: raise the version, keep reading the older ones, and add the new layout to the page
// and to its test.
//
// Threading: shared. Calls block on the disk, but appends wait for each other only: neither for a
// sync nor for a rewrite, which may take as long as they like. One rewrite at a time.
class Journal {
 public:
  // The seed is used if there is no journal at that path yet.
  Journal(FileSystem& files, std::string path, std::uint64_t seed);

  // Calls `visit` with each payload, oldest first; nothing if there is no file. Entries that cannot
  // be read are passed over; says how many bytes they were. Those at the end, which a crash leaves,
  // make room for the next entry. A file whose header is damaged is set aside, as "<path>.bad".
  // Errors: I/O, or NewerFormat, the file being left as it is.
  Result<std::uint64_t> replay(const std::function<void(std::string_view payload)>& visit);

  // Returns when the entry has reached the kernel. Creates the file if need be; its directory must
  // exist. Errors: I/O; the entry is not there then. Requires: less than 4 GiB.
  Result<void> append(std::string_view payload);
  // The same with an entry that may as well be lost: it does not keep a file open that was closed.
  Result<void> append_in_passing(std::string_view payload);
  // Returns when all entries are on the disk.
  // Errors: I/O. What was to be synced may then be lost although it can be read still, so that no
  // later call succeeds before the file was replaced, by a synced copy of it or a rewrite.
  Result<void> sync();
  // Closes the file, unless something in it is unsynced; the next append opens it again.
  void close_if_synced();

  // Replaces everything by one entry: what `encode_state` returns. Entries appended meanwhile, from
  // before the call of `encode_state` on, are kept behind it.
  // Errors: I/O, all being as before.
  Result<void> rewrite(const std::function<std::string()>& encode_state);

  std::uint64_t bytes() const;
  // Places that `replay` found damaged, other than at the end.
  std::uint64_t damaged() const;

 private:
  Result<void> add(std::string_view payload) NSQ_REQUIRES(mutex_);
  Result<void> open_file() NSQ_REQUIRES(mutex_);
  Result<void> sync_file() NSQ_REQUIRES(sync_mutex_);
  Result<void> copy_file() NSQ_REQUIRES(mutex_);
  Result<std::unique_ptr<File>> write_temporary(std::string_view content);
  Result<void> install(std::unique_ptr<File> file, std::uint64_t bytes) NSQ_REQUIRES(mutex_);
  Result<void> finish_rewrite(std::unique_ptr<File> file, std::uint64_t bytes);

  FileSystem& files_;
  const std::string path_;
  const std::string temporary_;

  Mutex sync_mutex_;  // held while something is synced, before mutex_
  mutable Mutex mutex_;
  std::uint64_t seed_ NSQ_GUARDED_BY(mutex_);
  std::shared_ptr<File> file_ NSQ_GUARDED_BY(mutex_);
  std::uint64_t damaged_ NSQ_GUARDED_BY(mutex_) = 0;
  std::uint64_t bytes_ NSQ_GUARDED_BY(mutex_) = 0;  // up to the end of the last valid entry
  bool unsynced_ NSQ_GUARDED_BY(mutex_) = false;
  bool sync_failed_ NSQ_GUARDED_BY(mutex_) = false;  // the file's, and it was not replaced since
  bool directory_unsynced_ NSQ_GUARDED_BY(mutex_) = false;
  bool rewriting_ NSQ_GUARDED_BY(mutex_) = false;
  std::string since_rewrite_ NSQ_GUARDED_BY(mutex_);  // entries appended while rewriting
};

}  // namespace nsq::storage
