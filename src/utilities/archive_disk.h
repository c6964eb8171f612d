#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "nsq/result.h"

// The files of an archive, as it needs them of an operating system: a seam at which tests let a
// disk fill up. All calls block. Errors are the operating system's, with what was attempted.
namespace nsq::utilities {

// An open file, written at its end. Closes when it goes, without a sync.
//
// Threading: confined.
class ArchiveFile {
 public:
  virtual ~ArchiveFile() = default;

  // All of it; after a failure some of it may have been written.
  virtual Result<void> write(std::string_view bytes) = 0;
  // What was written, and the file's name, stay through a power failure from now on.
  virtual Result<void> sync() = 0;
  virtual Result<std::uint64_t> size() = 0;
  // Whether the last byte, if there is one, ends a line.
  virtual bool ends_in_newline() = 0;
  // Removes what is behind `size`. Fails, and leaves it, if the file is longer than `at_most`, or
  // if another process has it open for an archive too: that may be somebody else's.
  virtual Result<void> cut(std::uint64_t size, std::uint64_t at_most) = 0;
};

enum class Opening {
  Append,  // made if there is none
  Fresh,   // must not exist yet: file_exists otherwise
};

class ArchiveDisk {
 public:
  virtual ~ArchiveDisk() = default;

  // Makes the directories that a path needs.
  virtual Result<void> make_directories_for(const std::string& path) = 0;
  virtual Result<std::unique_ptr<ArchiveFile>> open(const std::string& path, Opening opening) = 0;
  virtual Result<bool> exists(const std::string& path) = 0;
  // Never replaces a file: file_exists then. Both must be on one file system.
  virtual Result<void> move(const std::string& from, const std::string& to) = 0;
};

// The operating system's files.
std::unique_ptr<ArchiveDisk> make_real_disk();

}  // namespace nsq::utilities
