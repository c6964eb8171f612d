#include "utilities/archive_disk.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <utility>

namespace nsq::utilities {
namespace {

constexpr ::mode_t kDirectoryMode = 0770;
constexpr ::mode_t kFileMode = 0666;

Error failure(std::string_view operation, std::string_view path, int error = errno) {
  return Error(std::error_code(error, std::generic_category()),
               std::string(operation).append(" ").append(path));
}

std::string parent_of(const std::string& path) {
  const std::string parent = std::filesystem::path(path).parent_path();
  return parent.empty() ? "." : parent;
}

// Entries of a directory outlive a power failure once it is synced itself.
Result<void> sync_directory(const std::string& path) {
  const int directory = ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  // One that may be written but not read cannot be synced, and neither can those of some network
  // file systems.
  if (directory < 0 && errno == EACCES) return {};
  if (directory < 0) return failure("open", path);
  const int result = ::fsync(directory);
  const int error = errno;
  ::close(directory);
  if (result == 0 || error == EINVAL) return {};
  return failure("fsync", path, error);
}

class RealFile final : public ArchiveFile {
 public:
  RealFile(int descriptor, std::string path, bool is_new)
      : descriptor_(descriptor),
        path_(std::move(path)),
        is_alone_(::flock(descriptor, LOCK_EX | LOCK_NB) == 0),
        is_new_(is_new) {}
  ~RealFile() override { ::close(descriptor_); }
  RealFile(const RealFile&) = delete;
  RealFile& operator=(const RealFile&) = delete;

  Result<void> write(std::string_view bytes) override {
    while (!bytes.empty()) {
      const ssize_t count = ::write(descriptor_, bytes.data(), bytes.size());
      if (count < 0 && errno == EINTR) continue;
      if (count < 0) return failure("write", path_);
      bytes.remove_prefix(static_cast<std::size_t>(count));
    }
    return {};
  }

  Result<void> sync() override {
    if (::fsync(descriptor_) != 0) return failure("fsync", path_);
    if (!is_new_) return {};
    auto synced = sync_directory(parent_of(path_));
    if (synced) is_new_ = false;
    return synced;
  }

  Result<std::uint64_t> size() override {
    struct stat info {};
    if (::fstat(descriptor_, &info) != 0) return failure("stat", path_);
    return static_cast<std::uint64_t>(info.st_size);
  }

  bool ends_in_newline() override {
    const auto bytes = size();
    if (!bytes || *bytes == 0) return true;
    char last = '\n';
    // One that may not be read is trusted.
    const ssize_t count = ::pread(descriptor_, &last, 1, static_cast<off_t>(*bytes - 1));
    return count != 1 || last == '\n';
  }

  Result<void> cut(std::uint64_t bytes, std::uint64_t at_most) override {
    const auto current = size();
    if (!current) return current.error();
    if (!is_alone_ || *current > at_most) return failure("truncate", path_, EBUSY);
    if (*current > bytes && ::ftruncate(descriptor_, static_cast<off_t>(bytes)) != 0) {
      return failure("truncate", path_);
    }
    return {};
  }

 private:
  const int descriptor_;
  const std::string path_;
  const bool is_alone_;
  bool is_new_;  // and its directory has not been synced since
};

class RealDisk final : public ArchiveDisk {
 public:
  Result<void> make_directories_for(const std::string& path) override {
    return make_directory(parent_of(path));
  }

  Result<std::unique_ptr<ArchiveFile>> open(const std::string& path, Opening opening) override {
    const int flags = O_CREAT | O_APPEND | O_CLOEXEC | (opening == Opening::Fresh ? O_EXCL : 0);
    const bool is_new = opening == Opening::Fresh || ::access(path.c_str(), F_OK) != 0;
    int descriptor = ::open(path.c_str(), O_RDWR | flags, kFileMode);
    if (descriptor < 0 && errno == EACCES) {
      descriptor = ::open(path.c_str(), O_WRONLY | flags, kFileMode);
    }
    if (descriptor < 0) return failure("open", path);
    return std::unique_ptr<ArchiveFile>(std::make_unique<RealFile>(descriptor, path, is_new));
  }

  Result<bool> exists(const std::string& path) override {
    struct stat info {};
    if (::lstat(path.c_str(), &info) == 0) return true;
    if (errno == ENOENT) return false;
    return failure("stat", path);
  }

  // The name in the new place is on the disk before the old one goes.
  Result<void> move(const std::string& from, const std::string& to) override {
    if (::link(from.c_str(), to.c_str()) != 0) return failure("link " + from + " to", to);
    if (auto synced = sync_directory(parent_of(to)); !synced) return synced;
    if (::unlink(from.c_str()) != 0) return failure("unlink", from);
    return {};
  }

 private:
  static Result<void> make_directory(const std::string& path) {
    struct stat info {};
    if (::stat(path.c_str(), &info) == 0) return {};  // if it is no directory, opening says so
    const std::string parent = parent_of(path);
    if (parent != path) {
      if (auto made = make_directory(parent); !made) return made;
    }
    if (::mkdir(path.c_str(), kDirectoryMode) != 0 && errno != EEXIST) {
      return failure("mkdir", path);
    }
    return sync_directory(parent);
  }
};

}  // namespace

std::unique_ptr<ArchiveDisk> make_real_disk() {
  return std::make_unique<RealDisk>();
}

}  // namespace nsq::utilities
