#include "storage/journal.h"

#include <xxhash.h>

#include <cstring>

#include "base/bytes.h"
#include "storage/storage_error.h"

namespace nsq::storage {
namespace {

constexpr char kMagic[8] = {'N', 'S', 'Q', 'J', 'R', 'N', 'L', 0};
constexpr std::uint32_t kVersion = 1;
constexpr std::size_t kHeaderBytes = 24;
constexpr std::size_t kEntryHeaderBytes = 16;

std::uint64_t checksum(const char* entry, std::size_t bytes, std::uint64_t seed) {
  return XXH3_64bits_withSeed(entry + 8, bytes - 8, seed);
}

}  // namespace

Journal::Journal(FileSystem& files, std::string path, std::uint64_t seed)
    : files_(files), path_(std::move(path)), seed_(seed) {}

std::string Journal::header() const {
  std::string bytes(kHeaderBytes, '\0');
  std::memcpy(bytes.data(), kMagic, sizeof kMagic);
  store_little(bytes.data() + 8, kVersion);
  store_little(bytes.data() + 16, seed_);
  return bytes;
}

std::string Journal::entry(std::string_view payload) const {
  std::string bytes(kEntryHeaderBytes, '\0');
  store_little(bytes.data() + 8, static_cast<std::uint32_t>(payload.size()));
  bytes += payload;
  store_little(bytes.data(), checksum(bytes.data(), bytes.size(), seed_));
  return bytes;
}

Result<std::uint64_t> Journal::replay(const std::function<void(std::string_view)>& visit) {
  Lock lock(mutex_);
  if (!files_.exists(path_)) return std::uint64_t{0};
  auto content = read_file(files_, path_);
  if (!content) return content.error();
  const std::string& bytes = *content;
  std::size_t at = 0;
  if (bytes.size() >= kHeaderBytes && std::memcmp(bytes.data(), kMagic, sizeof kMagic) == 0) {
    if (load_little<std::uint32_t>(bytes.data() + 8) > kVersion) {
      return Error(StorageErrc::NewerFormat, path_);
    }
    seed_ = load_little<std::uint64_t>(bytes.data() + 16);
    at = kHeaderBytes;
    while (bytes.size() - at >= kEntryHeaderBytes) {
      const std::size_t size =
          kEntryHeaderBytes + load_little<std::uint32_t>(bytes.data() + at + 8);
      if (size > bytes.size() - at) break;
      const char* const start = bytes.data() + at;
      if (load_little<std::uint64_t>(start) != checksum(start, size, seed_)) break;
      visit({start + kEntryHeaderBytes, size - kEntryHeaderBytes});
      at += size;
    }
  }
  bytes_ = at;
  return bytes.size() - at;
}

Result<void> Journal::open_file() {
  if (file_) return {};
  auto opened = files_.open(path_, FileSystem::Mode::Create);
  if (!opened) return opened.error();
  if (bytes_ == 0) {
    const std::string start = header();
    const std::string_view piece = start;
    if (auto done = (*opened)->write_at(std::span(&piece, 1), 0); !done) return done;
    bytes_ = start.size();
    directory_unsynced_ = true;
  }
  // What lies behind the valid entries, of a crash or a failed write, must not follow new ones.
  if (auto done = (*opened)->truncate(bytes_); !done) return done;
  file_ = std::move(opened.value());
  return {};
}

Result<void> Journal::append(std::string_view payload) {
  Lock lock(mutex_);
  if (auto opened = open_file(); !opened) return opened;
  const std::string bytes = entry(payload);
  const std::string_view piece = bytes;
  if (auto written = file_->write_at(std::span(&piece, 1), bytes_); !written) return written;
  bytes_ += bytes.size();
  unsynced_ = true;
  if (rewriting_) since_rewrite_ += bytes;
  return {};
}

Result<void> Journal::sync() {
  Lock lock(mutex_);
  if (!file_ || (!unsynced_ && !directory_unsynced_)) return {};
  if (auto synced = file_->sync(); !synced) return synced;
  unsynced_ = false;
  if (!directory_unsynced_) return {};
  if (auto synced = files_.sync_directory(parent_directory(path_)); !synced) return synced;
  directory_unsynced_ = false;
  return {};
}

Result<void> Journal::rewrite(const std::function<std::string()>& encode_state) {
  {
    Lock lock(mutex_);
    rewriting_ = true;
    since_rewrite_.clear();
  }
  const std::string temporary = path_ + ".tmp";
  std::string bytes = header() + entry(encode_state());
  std::unique_ptr<File> file;
  Result<void> done;
  if (auto opened = files_.open(temporary, FileSystem::Mode::Create); !opened) {
    done = opened.error();
  } else {
    file = std::move(opened.value());
    const std::string_view piece = bytes;
    done = file->truncate(0);
    if (done) done = file->write_at(std::span(&piece, 1), 0);
    if (done) done = file->sync();
  }
  Lock lock(mutex_);
  rewriting_ = false;
  if (done && !since_rewrite_.empty()) {
    const std::string_view piece = since_rewrite_;
    done = file->write_at(std::span(&piece, 1), bytes.size());
    if (done) done = file->sync();
  }
  if (done) done = files_.rename(temporary, path_);
  if (!done) return done;
  file_ = std::move(file);
  bytes_ = bytes.size() + since_rewrite_.size();
  since_rewrite_.clear();
  unsynced_ = false;
  directory_unsynced_ = true;
  return {};
}

std::uint64_t Journal::bytes() const {
  Lock lock(mutex_);
  return bytes_;
}

}  // namespace nsq::storage
