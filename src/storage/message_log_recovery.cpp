// Opening a log that an earlier process left. Only what lies behind the last noted position is
// read; there, batches that a crash left incomplete are taken out.

#include <algorithm>

#include "base/log.h"
#include "storage/message_log.h"
#include "storage/record_stream.h"
#include "storage/segment_scan.h"
#include "storage/storage_error.h"

namespace nsq::storage {
namespace {

constexpr std::string_view kUnfinishedSuffix = ".log.tmp";
constexpr std::size_t kBlankBytes = 64 << 10;

// A segment's file as it is found, judged by its first bytes.
struct FoundFile {
  Index first = 0;
  std::string path;
  std::uint64_t bytes = 0;
  std::optional<SegmentHeader> header;  // none if it is damaged or not all there
};

Result<FoundFile> look_at(FileSystem& files, std::string path, Index first) {
  FoundFile found{first, std::move(path), 0, std::nullopt};
  auto file = files.open(found.path, FileSystem::Mode::Read);
  if (!file) return file.error();
  char bytes[kSegmentHeaderBytes];
  auto got = (*file)->read_at(bytes, 0);
  if (!got) return got.error();
  auto size = (*file)->size();
  if (!size) return size.error();
  found.bytes = *size;
  found.header = parse_segment_header({bytes, *got});
  if (found.header && found.header->version > kFormatVersion) {
    return Error(StorageErrc::NewerFormat, found.path);
  }
  return found;
}

// What the damaged header of a segment with sound records must have been: that of its neighbours,
// since all segments of a log share a seed. Nothing if no record bears that out.
Result<std::optional<SegmentHeader>> mend_header(FileSystem& files, const FoundFile& found,
                                                 const SegmentHeader& neighbour) {
  SegmentHeader header{kFormatVersion, neighbour.identity, false};
  auto file = files.open(found.path, FileSystem::Mode::Write);
  if (!file) return file.error();
  auto record = search_record(**file, {kSegmentHeaderBytes, found.bytes, found.bytes},
                              {found.first, kMaxIndex}, header.identity);
  if (!record) return record.error();
  if (!*record) return std::optional<SegmentHeader>();
  char bytes[kSegmentHeaderBytes];
  encode_segment_header(bytes, header.identity);
  const std::string_view piece(bytes, sizeof bytes);
  if (auto done = (*file)->write_at(std::span(&piece, 1), 0); !done) return done.error();
  if (auto done = (*file)->sync(); !done) return done.error();
  log::error("{}: the file's header was damaged and has been restored", found.path);
  return std::optional(header);
}

// Makes bytes of a file unreadable as records.
Result<void> blank(File& file, const ScanResult::Bytes& bytes) {
  const std::string zeros(kBlankBytes, '\0');
  for (std::uint64_t at = bytes.begin; at < bytes.end; at += kBlankBytes) {
    const std::string_view piece(zeros.data(), static_cast<std::size_t>(std::min<std::uint64_t>(
                                                   kBlankBytes, bytes.end - at)));
    if (auto done = file.write_at(std::span(&piece, 1), at); !done) return done;
  }
  return {};
}

// Where reading has to begin: at the noted position if that is a place between records of this very
// file, at the first record otherwise.
Result<std::uint64_t> scan_start(File& file, const Segment& segment, std::uint64_t bytes,
                                 const std::optional<LogPosition>& sound) {
  if (!sound || sound->segment != segment.first() || segment.sealed() ||
      sound->offset < kSegmentHeaderBytes || sound->offset > bytes) {
    return std::uint64_t{kSegmentHeaderBytes};
  }
  if (sound->offset == bytes) return bytes;
  RecordStream records(file, segment.identity(), sound->offset, bytes);
  auto next = records.next({sound->index, kMaxIndex});
  if (!next) return next.error();
  const bool fits = *next && (*next)->offset == sound->offset;
  return fits ? sound->offset : std::uint64_t{kSegmentHeaderBytes};
}

}  // namespace

Result<MessageLog::Recovery> MessageLog::recover(std::optional<LogPosition> sound) {
  Recovery recovery;
  Segments segments;
  if (options_.on_disk && files_.exists(directory_)) {
    directory_made_ = true;
    if (auto opened = open_segments(recovery); !opened) return opened.error();
    Lock lock(mutex_);
    segments = segments_;
    // Names may have been made or removed, also below or by an earlier recovery, which has to last
    // before a new position says that nobody need look there.
    directory_unsynced_ = true;
    parent_unsynced_ = !sound;  // nothing was ever synced, and so perhaps neither was its name
  }
  recovery.found = !segments.empty();
  if (!recovery.found) {
    // What was noted is finished and gone; its indexes are not used again.
    recovery.begin = recovery.end = std::max(options_.first, sound ? sound->index : 0);
    Lock lock(mutex_);
    end_ = written_end_ = recovery.end;
    damaged_ = recovery.damaged;
    return recovery;
  }
  recovery.end = std::max(sound ? sound->index : 0, segments.rbegin()->first);
  Index known_end = sound ? sound->index : segments.begin()->first;
  for (auto& [first, entry] : segments) {
    if (sound && first < sound->segment) continue;
    recovery.gaps.add({known_end, first});
    auto scanned_end = scan(entry, sound, recovery);
    if (!scanned_end) return scanned_end.error();
    known_end = std::max({known_end, first, *scanned_end});
  }
  segments.rbegin()->second.extent.end = recovery.end;
  if (auto removed = remove_empty(segments); !removed) return removed.error();
  recovery.begin = segments.empty() ? recovery.end : segments.begin()->first;

  Lock lock(mutex_);
  segments_ = std::move(segments);
  end_ = written_end_ = recovery.end;
  damaged_ = recovery.damaged;
  return recovery;
}

Result<void> MessageLog::open_segments(Recovery& recovery) {
  auto names = files_.list(directory_);
  if (!names) return names.error();
  std::vector<std::string> unfinished;  // rewrites that were interrupted
  std::vector<FoundFile> found;
  std::optional<SegmentHeader> sound;
  for (const std::string& name : *names) {
    std::string path = directory_ + "/" + name;
    if (name.ends_with(kUnfinishedSuffix)) unfinished.push_back(path);
    const auto first = parse_segment_name(name);
    if (!first) continue;
    auto file = look_at(files_, std::move(path), *first);
    if (!file) return file.error();
    if (file->header) sound = file->header;
    found.push_back(std::move(file.value()));
  }
  std::sort(found.begin(), found.end(),
            [](const FoundFile& a, const FoundFile& b) { return a.first < b.first; });

  // Nothing has been touched up to here: the files may be a newer program's.
  for (const std::string& path : unfinished) {
    if (auto removed = files_.remove(path); !removed) return removed;
  }
  for (FoundFile& file : found) {
    if (!file.header && file.bytes > kSegmentHeaderBytes) {
      ++recovery.damaged;
      if (sound) {
        auto mended = mend_header(files_, file, *sound);
        if (!mended) return mended.error();
        file.header = *mended;
      }
      if (!file.header) {
        log::error("{}: the file's header is damaged; it is set aside as {}.bad", file.path,
                   file.path);
        if (auto moved = files_.rename(file.path, file.path + ".bad"); !moved) return moved;
        continue;
      }
    }
    if (!file.header) {  // a crash right after the file was made leaves it like this
      if (auto removed = files_.remove(file.path); !removed) return removed;
      continue;
    }
    options_.identity.seed = file.header->identity.seed;
    Lock lock(mutex_);
    if (!segments_.empty()) segments_.rbegin()->second.extent.end = file.first;
    SegmentEntry& entry = segments_[file.first];
    entry.segment = std::make_shared<Segment>(files_, file.path, file.first, *file.header);
    entry.extent = {kMaxIndex, file.bytes};
    entry.counted = false;
  }
  // How many records there are at most, where nobody counts them.
  Lock lock(mutex_);
  for (auto& [first, entry] : segments_) {
    entry.records = std::min(entry.extent.end - first, entry.extent.bytes / kRecordHeaderBytes);
  }
  return {};
}

// Files without records only take up names that new ones may need.
Result<void> MessageLog::remove_empty(Segments& segments) {
  for (auto it = segments.begin(); it != segments.end();) {
    if (it->second.extent.bytes > kSegmentHeaderBytes) {
      ++it;
      continue;
    }
    const auto& segment = it->second.segment;
    if (auto removed = files_.remove(segment->path()); !removed) return removed;
    Lock lock(mutex_);
    // Its name may soon be that of another file, which is not to be synced on its behalf.
    std::erase_if(unsynced_, [&](const Unsynced& each) { return each.segment == segment; });
    it = segments.erase(it);
  }
  return {};
}

// Reads a segment from the noted position on, or as a whole, and takes out what a crash has left
// incomplete. Returns where its records end, 0 if there are none.
Result<Index> MessageLog::scan(SegmentEntry& entry, const std::optional<LogPosition>& sound,
                               Recovery& recovery) {
  Segment& segment = *entry.segment;
  const std::string& path = segment.path();
  const Index settled = sound ? sound->index : 0;
  ScanResult found;
  {
    auto file = files_.open(path, FileSystem::Mode::Read);
    if (!file) return file.error();
    auto start = scan_start(**file, segment, entry.extent.bytes, sound);
    if (!start) return start.error();
    auto scanned =
        scan_segment(**file, segment.identity(),
                     {*start, entry.extent.bytes, {segment.first(), entry.extent.end}, settled});
    if (!scanned) return scanned.error();
    found = std::move(scanned.value());
    entry.counted = *start == kSegmentHeaderBytes;
    if (entry.counted) entry.records = found.records;
  }
  for (IndexRange gap : found.gaps) {
    if (sound) gap.begin = std::max(gap.begin, sound->index);
    recovery.gaps.add(gap);
  }
  recovery.end = std::max(recovery.end, found.end);
  recovery.damaged += found.damaged;
  for (const auto& [index, due] : found.deferred) {
    if (!sound || index >= sound->index) recovery.deferred.emplace_back(index, due);
  }

  if (!segment.sealed()) {
    // Also if it ends at the noted position: something behind may have been cut off.
    Lock lock(mutex_);
    note_unsynced(entry.segment, nullptr);
  }

  const std::uint64_t cut = entry.extent.bytes - found.sound_bytes;
  if (segment.sealed()) {
    if (cut > 0) ++recovery.damaged;
    return found.end;
  }
  if (cut == 0 && found.leftovers.empty()) return found.end;
  log::warning("{}: taking out {} bytes of batches that were not completely written", path, cut);
  auto opened = files_.open(path, FileSystem::Mode::Write);
  if (!opened) return opened.error();
  for (const ScanResult::Bytes& bytes : found.leftovers) {
    if (auto done = blank(**opened, bytes); !done) return done.error();
    recovery.cut_bytes += bytes.end - bytes.begin;
  }
  if (auto done = (*opened)->truncate(found.sound_bytes); !done) return done.error();
  recovery.cut_bytes += cut;
  entry.extent.bytes = found.sound_bytes;
  return found.end;
}

}  // namespace nsq::storage
