#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/instant.h"
#include "nsq/result.h"

namespace nsq::utilities {

// What file names are made of, as the flags have it.
struct FileNameOptions {
  std::string filename_format = "<TOPIC>.<HOST><REV>.<DATETIME>.log";  // may contain '/'
  std::string datetime_format = "%Y-%m-%d_%H";
  std::string host_identifier{};  // <SHORT_HOST> and <HOSTNAME> in it are filled in
  bool gzip = false;              // the name is to end in ".gz"
  bool has_revisions = false;     // files are numbered, and the format must say where
};

// The names of one topic's files.
//
//   <TOPIC> <HOST> <PID>   the same for the life of the program
//   <DATETIME>             the local time; of strftime's letters Y y m d H I M S B b A a p Z z %
//   <REV>                  "-000000", "-000001", ... or nothing for files that are not numbered
//
// Threading: immutable.
class FileNames {
 public:
  // `host` is the machine's whole name. Errors: no <REV> where files are numbered; a topic that
  // would lead out of the directory.
  static Result<FileNames> make(const FileNameOptions& options, std::string_view topic,
                                std::string_view host, std::int64_t process_id);

  // The name at this time, in which <REV> is left to be filled in.
  std::string at(Timestamp now) const;
  static std::string with_revision(std::string_view name, std::uint64_t revision);

 private:
  FileNames(std::string format, std::string datetime_format)
      : format_(std::move(format)), datetime_format_(std::move(datetime_format)) {}

  std::string format_;
  std::string datetime_format_;
};

}  // namespace nsq::utilities
