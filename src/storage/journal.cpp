#include "storage/journal.h"

#include <xxhash.h>

#include <algorithm>
#include <cstring>
#include <limits>
#include <optional>
#include <utility>

#include "base/assert.h"
#include "base/bytes.h"
#include "base/log.h"
#include "storage/storage_error.h"

namespace nsq::storage {
namespace {

constexpr char kMagic[8] = {'N', 'S', 'Q', 'J', 'R', 'N', 'L', 0};
constexpr std::uint32_t kVersion = 1;
constexpr std::size_t kVersionAt = 8;
constexpr std::size_t kHeaderChecksumAt = 12;
constexpr std::size_t kSeedAt = 16;
constexpr std::size_t kHeaderBytes = 24;
static_assert(sizeof kMagic == kVersionAt && kSeedAt + 8 == kHeaderBytes);

constexpr std::size_t kLengthAt = 8;
constexpr std::size_t kLengthChecksumAt = 12;
constexpr std::size_t kEntryHeaderBytes = 16;

std::uint64_t checksum(const char* from, std::size_t bytes, std::uint64_t seed) {
  return XXH3_64bits_withSeed(from, bytes, seed);
}

std::uint32_t short_checksum(const char* from, std::size_t bytes, std::uint64_t seed) {
  return static_cast<std::uint32_t>(checksum(from, bytes, seed));
}

std::string encode_header(std::uint64_t seed) {
  std::string bytes(kHeaderBytes, '\0');
  std::memcpy(bytes.data(), kMagic, sizeof kMagic);
  store_little(bytes.data() + kVersionAt, kVersion);
  store_little(bytes.data() + kSeedAt, seed);
  store_little(bytes.data() + kHeaderChecksumAt,
               short_checksum(bytes.data(), kHeaderChecksumAt, seed));
  return bytes;
}

std::string encode_entry(std::string_view payload, std::uint64_t seed) {
  NSQ_ASSERT(payload.size() <= std::numeric_limits<std::uint32_t>::max());
  std::string bytes(kEntryHeaderBytes, '\0');
  store_little(bytes.data() + kLengthAt, static_cast<std::uint32_t>(payload.size()));
  store_little(bytes.data() + kLengthChecksumAt, short_checksum(bytes.data() + kLengthAt, 4, seed));
  bytes += payload;
  store_little(bytes.data(), checksum(bytes.data() + kLengthAt, bytes.size() - kLengthAt, seed));
  return bytes;
}

// The size of the valid entry at the start of `bytes`; 0 if there is none.
std::size_t entry_bytes(std::string_view bytes, std::uint64_t seed) {
  if (bytes.size() < kEntryHeaderBytes) return 0;
  const char* const start = bytes.data();
  if (load_little<std::uint32_t>(start + kLengthChecksumAt) !=
      short_checksum(start + kLengthAt, 4, seed)) {
    return 0;
  }
  const std::size_t size = kEntryHeaderBytes + load_little<std::uint32_t>(start + kLengthAt);
  if (size > bytes.size()) return 0;
  const bool sound =
      load_little<std::uint64_t>(start) == checksum(start + kLengthAt, size - kLengthAt, seed);
  return sound ? size : 0;
}

// The header's version and seed, if it is one.
struct Header {
  std::uint32_t version = 0;
  std::uint64_t seed = 0;
};
std::optional<Header> parse_header(std::string_view bytes) {
  if (bytes.size() < kHeaderBytes) return std::nullopt;
  const char* const start = bytes.data();
  const Header header{load_little<std::uint32_t>(start + kVersionAt),
                      load_little<std::uint64_t>(start + kSeedAt)};
  if (std::memcmp(start, kMagic, sizeof kMagic) != 0 ||
      load_little<std::uint32_t>(start + kHeaderChecksumAt) !=
          short_checksum(start, kHeaderChecksumAt, header.seed)) {
    return std::nullopt;
  }
  return header;
}

Result<void> write(File& file, std::string_view bytes, std::uint64_t offset) {
  return file.write_at(std::span(&bytes, 1), offset);
}

}  // namespace

Journal::Journal(FileSystem& files, std::string path, std::uint64_t seed)
    : files_(files), path_(std::move(path)), temporary_(path_ + ".tmp"), seed_(seed) {}

Result<JournalReading> read_journal(FileSystem& files, const std::string& path,
                                    std::optional<std::uint64_t> seed,
                                    const std::function<void(std::string_view)>& visit) {
  JournalReading reading;
  if (!files.exists(path)) return reading;
  auto content = read_file(files, path);
  if (!content) return content.error();
  const std::string_view bytes = *content;
  reading.bytes = bytes.size();
  const auto header = parse_header(bytes);
  reading.header_damaged = !header;
  if (header && header->version > kVersion) return Error(StorageErrc::NewerFormat, path);
  if (!header) {
    reading.unreadable = bytes.size();
    reading.damaged = bytes.size() < kHeaderBytes ? 0 : 1;
    // A crash right after the file was made leaves less than a header.
    if (bytes.size() < kHeaderBytes || !seed) return reading;
  }
  reading.seed = header ? header->seed : *seed;
  reading.valid_end = kHeaderBytes;
  std::uint64_t valid = kHeaderBytes;
  for (std::size_t at = kHeaderBytes; at + kEntryHeaderBytes <= bytes.size();) {
    const std::size_t size = entry_bytes(bytes.substr(at), reading.seed);
    if (size == 0) {
      ++at;
      continue;
    }
    visit(bytes.substr(at + kEntryHeaderBytes, size - kEntryHeaderBytes));
    ++reading.entries;
    if (at != reading.valid_end) ++reading.damaged;
    at += size;
    valid += size;
    reading.valid_end = at;
  }
  reading.unreadable = bytes.size() - valid;
  return reading;
}

Result<std::uint64_t> Journal::replay(const std::function<void(std::string_view)>& visit) {
  Lock lock(mutex_);
  auto reading = read_journal(files_, path_, std::nullopt, visit);
  if (!reading) return reading.error();
  damaged_ = reading->damaged;
  if (reading->header_damaged) {
    if (reading->bytes < kHeaderBytes) return reading->bytes;
    log::error("{}: the file's header is damaged; it is set aside as {}.bad", path_, path_);
    if (auto moved = files_.rename(path_, path_ + ".bad"); !moved) return moved.error();
    return reading->bytes;
  }
  if (reading->bytes == 0) return reading->bytes;
  seed_ = reading->seed;
  bytes_ = reading->valid_end;
  // The process that wrote it may not have come to syncing it.
  unsynced_ = directory_unsynced_ = true;
  return reading->unreadable;
}

Result<void> Journal::open_file() {
  if (file_) return {};
  auto opened = files_.open(path_, FileSystem::Mode::Create);
  if (!opened) return opened.error();
  if (bytes_ == 0) {
    if (auto done = write(**opened, encode_header(seed_), 0); !done) return done;
  }
  // What lies behind the valid entries, of a crash or a failed write, must not follow new ones.
  const std::uint64_t bytes = std::max<std::uint64_t>(bytes_, kHeaderBytes);
  if (auto done = (*opened)->truncate(bytes); !done) return done;
  if (bytes_ == 0) directory_unsynced_ = true;
  unsynced_ = true;
  bytes_ = bytes;
  file_ = std::move(opened.value());
  return {};
}

Result<void> Journal::append(std::string_view payload) {
  Lock lock(mutex_);
  return add(payload);
}

Result<void> Journal::append_in_passing(std::string_view payload) {
  Lock lock(mutex_);
  const bool was_closed = !file_;
  auto done = add(payload);
  if (was_closed && !rewriting_) file_ = nullptr;
  return done;
}

Result<void> Journal::add(std::string_view payload) {
  if (auto opened = open_file(); !opened) return opened;
  const std::string bytes = encode_entry(payload, seed_);
  if (auto written = write(*file_, bytes, bytes_); !written) {
    // Remains are no entry, unless all of it was written: it must not be replayed then.
    [[maybe_unused]] const auto cut = file_->truncate(bytes_);
    return written;
  }
  bytes_ += bytes.size();
  unsynced_ = true;
  if (rewriting_) since_rewrite_ += bytes;
  return {};
}

Result<void> Journal::sync() {
  Lock syncing(sync_mutex_);
  if (auto synced = sync_file(); !synced) return synced;
  {
    Lock lock(mutex_);
    if (!std::exchange(directory_unsynced_, false)) return {};
  }
  auto synced = files_.sync_directory(parent_directory(path_));
  if (synced) return synced;
  Lock lock(mutex_);
  directory_unsynced_ = true;
  return synced;
}

// What is appended while the disk is at it is unsynced again.
Result<void> Journal::sync_file() {
  std::shared_ptr<File> file;
  {
    Lock lock(mutex_);
    if (sync_failed_) {
      if (auto copied = copy_file(); !copied) return copied;
    }
    if (!unsynced_) return {};
    if (auto opened = open_file(); !opened) return opened;
    unsynced_ = false;
    file = file_;
  }
  auto synced = file->sync();
  if (synced) return synced;
  Lock lock(mutex_);
  unsynced_ = sync_failed_ = true;
  return synced;
}

void Journal::close_if_synced() {
  Lock syncing(sync_mutex_);  // or what is being synced would not seem to be in need of it
  Lock lock(mutex_);
  if (!unsynced_ && !sync_failed_ && !rewriting_) file_ = nullptr;
}

// Replaces the file by a synced copy of what can be read of it, if that is all of it.
Result<void> Journal::copy_file() {
  if (rewriting_) {
    return Error(std::make_error_code(std::errc::device_or_resource_busy), "copy " + path_);
  }
  std::string content(bytes_, '\0');
  auto got = file_->read_at(content, 0);
  if (!got) return got.error();
  std::string_view rest = std::string_view(content).substr(0, *got);
  const bool header = parse_header(rest).has_value();
  if (header) rest.remove_prefix(kHeaderBytes);
  while (const std::size_t size = entry_bytes(rest, seed_)) rest.remove_prefix(size);
  if (!header || *got < bytes_ || !rest.empty()) return Error(StorageErrc::Damaged, path_);
  auto file = write_temporary(content);
  if (!file) return file.error();
  return install(std::move(file.value()), content.size());
}

// A synced file of that content under the temporary name.
Result<std::unique_ptr<File>> Journal::write_temporary(std::string_view content) {
  auto opened = files_.open(temporary_, FileSystem::Mode::Create);
  if (!opened) return opened.error();
  Result<void> done = (*opened)->truncate(0);
  if (done) done = write(**opened, content, 0);
  if (done) done = (*opened)->sync();
  if (done) return std::move(opened.value());
  [[maybe_unused]] const auto removed = files_.remove(temporary_);
  return done.error();
}

// Gives the temporary file, synced, its place.
Result<void> Journal::install(std::unique_ptr<File> file, std::uint64_t bytes) {
  if (auto done = files_.rename(temporary_, path_); !done) {
    [[maybe_unused]] const auto removed = files_.remove(temporary_);
    return done;
  }
  file_ = std::move(file);
  bytes_ = bytes;
  unsynced_ = sync_failed_ = false;
  directory_unsynced_ = true;
  return {};
}

Result<void> Journal::rewrite(const std::function<std::string()>& encode_state) {
  std::uint64_t seed = 0;
  {
    Lock lock(mutex_);
    rewriting_ = true;
    seed = seed_;
  }
  const std::string content = encode_header(seed) + encode_entry(encode_state(), seed);
  auto file = write_temporary(content);
  auto done = file ? finish_rewrite(std::move(file.value()), content.size()) : file.error();
  Lock lock(mutex_);
  rewriting_ = false;
  since_rewrite_.clear();
  return done;
}

// Brings in what was appended meanwhile. Some of it may be known to be on the disk: so it is synced
// here too, before the file takes its place. No sync comes between from then on, so that what is
// appended last has been promised to nobody and need not hold up those who append.
Result<void> Journal::finish_rewrite(std::unique_ptr<File> file, std::uint64_t bytes) {
  Lock syncing(sync_mutex_);
  std::string since;
  {
    Lock lock(mutex_);
    since.swap(since_rewrite_);
  }
  Result<void> done;
  if (!since.empty()) done = write(*file, since, bytes);
  if (done && !since.empty()) done = file->sync();
  bytes += since.size();

  Lock lock(mutex_);
  const bool more = !since_rewrite_.empty();
  if (done && more) done = write(*file, since_rewrite_, bytes);
  if (!done) {
    [[maybe_unused]] const auto removed = files_.remove(temporary_);
    return done;
  }
  auto installed = install(std::move(file), bytes + since_rewrite_.size());
  unsynced_ = unsynced_ || more;
  return installed;
}

std::uint64_t Journal::bytes() const {
  Lock lock(mutex_);
  return bytes_;
}

std::uint64_t Journal::damaged() const {
  Lock lock(mutex_);
  return damaged_;
}

}  // namespace nsq::storage
