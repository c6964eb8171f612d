#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <climits>
#include <filesystem>

#include "storage/file_system.h"

namespace nsq::storage {
namespace {

// Copying to the page cache takes a fraction of this, whatever the size.
constexpr std::chrono::milliseconds kLongWrite{10};

Error last_error(const char* operation, const std::string& path) {
  return Error(std::error_code(errno, std::system_category()), std::string(operation) + " " + path);
}

class RealFile final : public File {
 public:
  RealFile(int descriptor, std::string path) : descriptor_(descriptor), path_(std::move(path)) {}
  ~RealFile() override { ::close(descriptor_); }

  Result<std::size_t> read_at(std::span<char> into, std::uint64_t offset) override {
    std::size_t done = 0;
    while (done < into.size()) {
      const auto count = ::pread(descriptor_, into.data() + done, into.size() - done,
                                 static_cast<off_t>(offset + done));
      if (count == 0) break;
      if (count < 0 && errno == EINTR) continue;
      if (count < 0) return last_error("read", path_);
      done += static_cast<std::size_t>(count);
    }
    return done;
  }

  Result<void> write_at(std::span<const std::string_view> pieces, std::uint64_t offset) override {
    const auto begun = std::chrono::steady_clock::now();
    auto written = write_all(pieces, offset);
    writing_waited_ = std::chrono::steady_clock::now() - begun > kLongWrite;
    return written;
  }

  bool writing_waited() const override { return writing_waited_; }

  Result<void> sync() override {
    while (::fdatasync(descriptor_) != 0) {
      if (errno != EINTR) return last_error("sync", path_);
    }
    return {};
  }

  Result<void> truncate(std::uint64_t size) override {
    while (::ftruncate(descriptor_, static_cast<off_t>(size)) != 0) {
      if (errno != EINTR) return last_error("truncate", path_);
    }
    return {};
  }

  Result<std::uint64_t> size() override {
    struct stat status {};
    if (::fstat(descriptor_, &status) != 0) return last_error("stat", path_);
    return static_cast<std::uint64_t>(status.st_size);
  }

 private:
  Result<void> write_all(std::span<const std::string_view> pieces, std::uint64_t offset) {
    std::array<iovec, 64> vectors;
    std::size_t piece = 0;
    std::size_t within = 0;  // bytes of pieces[piece] already written
    while (true) {
      while (piece < pieces.size() && within == pieces[piece].size()) {
        ++piece;
        within = 0;
      }
      if (piece == pieces.size()) return {};
      int count = 0;
      for (std::size_t i = piece; i < pieces.size() && count < static_cast<int>(vectors.size());
           ++i) {
        const std::size_t skip = i == piece ? within : 0;
        vectors[static_cast<std::size_t>(count++)] = {const_cast<char*>(pieces[i].data()) + skip,
                                                      pieces[i].size() - skip};
      }
      const auto written =
          ::pwritev(descriptor_, vectors.data(), count, static_cast<off_t>(offset));
      if (written < 0 && errno == EINTR) continue;
      if (written == 0) errno = ENOSPC;  // not heard of, but it must not go round for ever
      if (written <= 0) return last_error("write", path_);
      offset += static_cast<std::uint64_t>(written);
      auto left = static_cast<std::size_t>(written);
      while (left > 0) {
        const std::size_t step = std::min(left, pieces[piece].size() - within);
        within += step;
        left -= step;
        if (within == pieces[piece].size()) {
          ++piece;
          within = 0;
        }
      }
    }
  }

  const int descriptor_;
  const std::string path_;
  std::atomic<bool> writing_waited_{false};
};

class RealFileSystem final : public FileSystem {
 public:
  Result<std::unique_ptr<File>> open(const std::string& path, Mode mode) override {
    int flags = O_CLOEXEC | (mode == Mode::Read ? O_RDONLY : O_RDWR);
    if (mode == Mode::Create) flags |= O_CREAT;
    const int descriptor = ::open(path.c_str(), flags, 0600);
    if (descriptor < 0) return last_error("open", path);
    return std::unique_ptr<File>(std::make_unique<RealFile>(descriptor, path));
  }

  bool exists(const std::string& path) override { return ::access(path.c_str(), F_OK) == 0; }

  Result<std::vector<std::string>> list(const std::string& directory) override {
    DIR* handle = ::opendir(directory.c_str());
    if (handle == nullptr) return last_error("list", directory);
    std::vector<std::string> names;
    errno = 0;
    while (const dirent* entry = ::readdir(handle)) {
      const std::string name = entry->d_name;
      if (name != "." && name != "..") names.push_back(name);
    }
    const int failure = errno;
    ::closedir(handle);
    errno = failure;
    if (failure != 0) return last_error("list", directory);
    return names;
  }

  Result<void> create_directory(const std::string& path) override {
    if (::mkdir(path.c_str(), 0700) != 0 && errno != EEXIST) return last_error("create", path);
    return {};
  }

  Result<void> rename(const std::string& from, const std::string& to) override {
    if (::rename(from.c_str(), to.c_str()) != 0) return last_error("rename", from);
    return {};
  }

  Result<void> remove(const std::string& path) override {
    if (::unlink(path.c_str()) != 0) return last_error("remove", path);
    return {};
  }

  Result<void> remove_tree(const std::string& path) override {
    std::error_code code;
    std::filesystem::remove_all(path, code);
    if (code) return Error(code, "remove " + path);
    return {};
  }

  Result<void> sync_directory(const std::string& path) override {
    const int descriptor = ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (descriptor < 0) return last_error("open", path);
    const int failed = ::fsync(descriptor) != 0 ? errno : 0;
    ::close(descriptor);
    errno = failed;
    if (failed != 0) return last_error("sync", path);
    return {};
  }
};

}  // namespace

FileSystem& real_file_system() {
  static RealFileSystem files;
  return files;
}

}  // namespace nsq::storage
