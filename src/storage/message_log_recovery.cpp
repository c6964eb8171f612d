// Opening a log that an earlier process left. Only what lies behind the last noted position is
// read; there, unfinished batches at the end of a segment are cut off, which is what a crash
// leaves.

#include <algorithm>
#include <charconv>

#include "base/log.h"
#include "storage/message_log.h"
#include "storage/storage_error.h"

namespace nsq::storage {
namespace {

constexpr std::string_view kSuffix = ".log";
constexpr std::size_t kDigits = 20;
constexpr std::size_t kScanBytes = 1 << 20;

std::optional<Index> parse_segment_name(std::string_view name) {
  if (name.size() != kDigits + kSuffix.size() || !name.ends_with(kSuffix)) return std::nullopt;
  Index first = 0;
  const auto [end, error] = std::from_chars(name.data(), name.data() + kDigits, first);
  if (error != std::errc() || end != name.data() + kDigits) return std::nullopt;
  return first;
}

// Reads a segment's records one after the other, noting where the last complete batch ends.
class Scan {
 public:
  Scan(File& file, const LogIdentity& identity, std::uint64_t offset, std::uint64_t size,
       Index next)
      : file_(file),
        identity_(identity),
        size_(size),
        position_(offset),
        sound_(offset),
        next_(next) {}

  Result<void> run(MessageLog::Recovery& recovery) {
    std::size_t wanted = kScanBytes;
    while (position_ < size_) {
      buffer_.resize(static_cast<std::size_t>(std::min<std::uint64_t>(wanted, size_ - position_)));
      auto got = file_.read_at(buffer_, position_);
      if (!got) return got.error();
      buffer_.resize(*got);
      const std::size_t used = take_records(recovery);
      position_ += used;
      if (!bad_) {
        wanted = used == 0 ? wanted * 2 : kScanBytes;  // a record larger than the buffer
        continue;
      }
      bad_ = false;
      auto found = find_behind_damage();
      if (!found) return found.error();
      if (!*found) return {};
      ++recovery.damaged;
    }
    return {};
  }

  std::uint64_t sound_bytes() const { return sound_; }
  Index next() const { return sound_next_; }

 private:
  // Takes whole records from the buffer; returns how many bytes that were.
  std::size_t take_records(MessageLog::Recovery& recovery) {
    const std::string_view bytes(buffer_.data(), buffer_.size());
    const bool at_end = position_ + bytes.size() >= size_;
    std::size_t at = 0;
    while (at < bytes.size()) {
      const ParsedRecord parsed = parse_record(bytes.substr(at), identity_);
      if (parsed.status == ParsedRecord::Status::Cut && !at_end) break;
      if (parsed.status != ParsedRecord::Status::Complete || parsed.record.index < next_) {
        bad_ = true;
        break;
      }
      at += parsed.size;
      next_ = parsed.record.index + 1;
      if (parsed.record.due != Timestamp{})
        batch_deferred_.emplace_back(parsed.record.index, parsed.record.due);
      if (!parsed.record.batch_goes_on) accept(position_ + at, recovery);
    }
    return at;
  }

  void accept(std::uint64_t bytes, MessageLog::Recovery& recovery) {
    sound_ = bytes;
    sound_next_ = next_;
    recovery.deferred.insert(recovery.deferred.end(), batch_deferred_.begin(),
                             batch_deferred_.end());
    batch_deferred_.clear();
  }

  // Moves to the next record behind bytes that are none. False if there is none: a torn end.
  Result<bool> find_behind_damage() {
    std::vector<char> rest(static_cast<std::size_t>(size_ - position_));
    auto got = file_.read_at(rest, position_);
    if (!got) return got.error();
    const std::size_t at = find_record({rest.data(), *got}, 1, {next_, kMaxIndex}, identity_);
    if (at == std::string_view::npos) return false;
    position_ += at;
    return true;
  }

  File& file_;
  const LogIdentity identity_;
  const std::uint64_t size_;
  std::uint64_t position_;
  std::uint64_t sound_;
  Index next_;
  Index sound_next_ = 0;
  bool bad_ = false;
  std::vector<char> buffer_;
  std::vector<std::pair<Index, Timestamp>> batch_deferred_;
};

}  // namespace

std::string MessageLog::segment_path(Index first) const {
  std::string digits = std::to_string(first);
  digits.insert(0, kDigits - digits.size(), '0');
  return directory_ + "/" + digits + std::string(kSuffix);
}

Result<MessageLog::Recovery> MessageLog::recover(std::optional<LogPosition> sound) {
  Recovery recovery;
  recovery.begin = recovery.end = options_.first;
  if (!options_.on_disk || !files_.exists(directory_)) return recovery;
  directory_made_ = true;
  if (auto opened = open_segments(recovery); !opened) return opened.error();

  Lock lock(mutex_);
  if (segments_.empty()) return recovery;
  recovery.found = true;
  recovery.begin = segments_.begin()->first;
  recovery.end = sound ? std::max(sound->index, recovery.begin) : recovery.begin;
  for (auto& [first, entry] : segments_) {
    if (sound && first < sound->segment) continue;
    std::uint64_t offset = kSegmentHeaderBytes;
    if (sound && first == sound->segment && sound->offset <= entry.extent.bytes) {
      offset = std::max(sound->offset, offset);
    }
    lock.unlock();
    auto scanned = scan(entry, offset, recovery);
    lock.lock();
    if (!scanned) return scanned.error();
  }
  segments_.rbegin()->second.extent.end = std::max(recovery.end, segments_.rbegin()->first);
  end_ = written_end_ = recovery.end;
  damaged_ = recovery.damaged;
  return recovery;
}

Result<void> MessageLog::open_segments(Recovery& recovery) {
  auto names = files_.list(directory_);
  if (!names) return names.error();
  std::vector<Index> firsts;
  for (const std::string& name : *names) {
    if (const auto first = parse_segment_name(name)) {
      firsts.push_back(*first);
    } else if (name.ends_with(".log.tmp")) {  // a rewrite that did not finish
      if (auto removed = files_.remove(directory_ + "/" + name); !removed) return removed;
    }
  }
  std::sort(firsts.begin(), firsts.end());

  for (const Index first : firsts) {
    const std::string path = segment_path(first);
    auto file = files_.open(path, FileSystem::Mode::Read);
    if (!file) return file.error();
    char bytes[kSegmentHeaderBytes];
    auto got = (*file)->read_at(bytes, 0);
    if (!got) return got.error();
    auto size = (*file)->size();
    if (!size) return size.error();
    const auto header = parse_segment_header({bytes, *got});
    if (!header) {
      // A crash right after the file was made leaves it like this, and empty.
      if (*size > kSegmentHeaderBytes) {
        log::error("{}: the file's header is damaged; it is set aside as {}.bad", path, path);
        ++recovery.damaged;
        if (auto moved = files_.rename(path, path + ".bad"); !moved) return moved;
      } else if (auto removed = files_.remove(path); !removed) {
        return removed;
      }
      continue;
    }
    if (header->version > kFormatVersion) return Error(StorageErrc::NewerFormat, path);
    options_.identity.seed = header->identity.seed;
    auto segment = std::make_shared<Segment>(files_, path, first, header->identity);
    Lock lock(mutex_);
    if (!segments_.empty()) segments_.rbegin()->second.extent.end = first;
    segments_[first] = {std::move(segment), {first, *size}, 0};
  }
  return {};
}

Result<void> MessageLog::scan(SegmentEntry& entry, std::uint64_t offset, Recovery& recovery) {
  const std::string& path = entry.segment->path();
  if (offset >= entry.extent.bytes) return {};
  auto file = files_.open(path, FileSystem::Mode::Write);
  if (!file) return file.error();
  Scan scan(**file, entry.segment->identity(), offset, entry.extent.bytes, entry.segment->first());
  if (auto done = scan.run(recovery); !done) return done;
  recovery.end = std::max(recovery.end, scan.next());
  const std::uint64_t cut = entry.extent.bytes - scan.sound_bytes();
  if (cut == 0) return {};
  log::warning("{}: cutting {} bytes of a batch that was not completely written", path, cut);
  recovery.cut_bytes += cut;
  entry.extent.bytes = scan.sound_bytes();
  return (*file)->truncate(scan.sound_bytes());
}

}  // namespace nsq::storage
