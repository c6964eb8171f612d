#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "nsq/result.h"

namespace nsq::storage {

// One open file, read and written at explicit offsets.
//
// Threading: shared, as far as calls do not write and read the same bytes at once. Every call may
// block for as long as the device takes.
// Errors: what the operating system says, with the operation and the path as context.
class File {
 public:
  virtual ~File() = default;

  // Fills `into` from `offset`; fewer bytes only where the file ends.
  virtual Result<std::size_t> read_at(std::span<char> into, std::uint64_t offset) = 0;
  // Writes all the pieces, one after the other. On an error any part of them may have been written.
  virtual Result<void> write_at(std::span<const std::string_view> pieces, std::uint64_t offset) = 0;
  // Whether the latest write took so long that nobody in a hurry should do the next one: the system
  // makes writers wait when there is too much that the device has still to take.
  virtual bool writing_waited() const = 0;
  // Returns when all that was written before the call is on the disk.
  virtual Result<void> sync() = 0;
  virtual Result<void> truncate(std::uint64_t size) = 0;
  virtual Result<std::uint64_t> size() = 0;
};

// The files beneath the engine: a seam, so that tests can lose unsynced bytes, fill the disk and
// tear writes. Paths are as the operating system takes them. Errors as for File.
//
// Threading: shared.
class FileSystem {
 public:
  enum class Mode {
    Read,    // must exist
    Write,   // read and write; must exist
    Create,  // read and write; made if missing, kept as it is otherwise
  };

  virtual ~FileSystem() = default;

  virtual Result<std::unique_ptr<File>> open(const std::string& path, Mode mode) = 0;
  virtual bool exists(const std::string& path) = 0;
  // The names in a directory, without "." and "..", in no particular order.
  virtual Result<std::vector<std::string>> list(const std::string& directory) = 0;
  // Succeeds if it is there already.
  virtual Result<void> create_directory(const std::string& path) = 0;
  // Replaces `to` if that is a file.
  virtual Result<void> rename(const std::string& from, const std::string& to) = 0;
  virtual Result<void> remove(const std::string& path) = 0;
  // A directory with all that is in it; succeeds if it is not there.
  virtual Result<void> remove_tree(const std::string& path) = 0;
  // Makes names created, renamed and removed in the directory durable.
  virtual Result<void> sync_directory(const std::string& path) = 0;
};

// The whole content of a file.
Result<std::string> read_file(FileSystem& files, const std::string& path);

// Replaces a file so that after a crash either the old or the new content is there.
// Errors: I/O. The old content is there still, unless only making the new name durable has failed.
Result<void> replace_file(FileSystem& files, const std::string& path, std::string_view content);

// The directory part of a path.
std::string parent_directory(const std::string& path);

// The operating system's.
FileSystem& real_file_system();

}  // namespace nsq::storage
