#include "check/topic_reader.h"

#include <algorithm>

#include "storage/journal.h"
#include "storage/record_stream.h"
#include "storage/segment.h"
#include "storage/storage_error.h"

namespace nsq::check {

using storage::FileSystem;
using storage::Index;
using storage::IndexRange;
using storage::kMaxIndex;
using storage::kSegmentHeaderBytes;

// What the channels still have to get.
struct TopicReader::Count {
  struct Channel {
    const broker::ChannelRecord& record;
    ChannelReport report;
    std::uint64_t settled = 0;  // of those to get, how many lie before the noted position
  };
  const broker::TopicRecord& topic;
  const Timestamp now;
  std::vector<Channel> channels;
  Index settled_end = 0;
  TopicReport& report;

  void add(const storage::Record& record) {
    if (report.records++ == 0) report.first = record.index;
    report.last = std::max(report.last, record.index);
    report.body_bytes += record.body.size();
    if (topic.held && record.index >= topic.routed) {
      ++report.depth;
      return;
    }
    for (Channel& channel : channels) add_to(channel, record);
  }

 private:
  void add_to(Channel& channel, const storage::Record& record) {
    const Index index = record.index;
    if (index < channel.record.start || channel.record.finished.contains(index)) return;
    if (index < settled_end) ++channel.settled;
    Timestamp due = record.due;
    if (const auto note = channel.record.waiting.find(index);
        note != channel.record.waiting.end()) {
      due = note->second.due;
      if (note->second.attempts > 0) ++channel.report.retried;
    }
    ++(due > now ? channel.report.deferred : channel.report.depth);
  }
};

TopicReader::TopicReader(storage::FileSystem& files, std::string topic, std::string directory,
                         std::size_t prefix)
    : files_(files), topic_(std::move(topic)), directory_(std::move(directory)), prefix_(prefix) {
  report_.name = topic_;
  report_.directory = directory_.substr(prefix_);
}

std::uint64_t TopicReader::bytes() const {
  std::uint64_t bytes = report_.journal.bytes;
  for (const SegmentFile& segment : segments_) bytes += segment.bytes;
  return bytes;
}

Result<void> TopicReader::open() {
  if (auto done = find_segments(); !done) return done;
  return find_journal();
}

Result<void> TopicReader::find_segments() {
  auto names = files_.list(directory_);
  if (!names) return names.error();
  std::sort(names->begin(), names->end());
  std::optional<storage::SegmentHeader> neighbour;
  for (const std::string& name : *names) {
    const std::string path = directory_ + "/" + name;
    if (name.ends_with(".bad")) report_.set_aside.push_back(path.substr(prefix_));
    if (name.ends_with(".tmp")) report_.leftovers.push_back(path.substr(prefix_));
    const auto first = storage::parse_segment_name(name);
    if (!first) continue;
    SegmentFile found{path, *first, kMaxIndex, 0, false, std::nullopt};
    auto file = files_.open(path, FileSystem::Mode::Read);
    if (!file) return file.error();
    char bytes[kSegmentHeaderBytes];
    auto got = (*file)->read_at(bytes, 0);
    if (!got) return got.error();
    auto size = (*file)->size();
    if (!size) return size.error();
    found.bytes = *size;
    found.header = storage::parse_segment_header({bytes, *got});
    if (found.header && found.header->version > storage::kFormatVersion) {
      return Error(storage::StorageErrc::NewerFormat, path);
    }
    // A crash right after the file was made leaves less than a header.
    found.header_damaged = !found.header && found.bytes > kSegmentHeaderBytes;
    if (found.header) neighbour = found.header;
    if (!segments_.empty()) segments_.back().end = *first;
    segments_.push_back(std::move(found));
  }
  for (SegmentFile& segment : segments_) {
    if (!segment.header_damaged || !neighbour) continue;
    segment.header = neighbour;
    segment.header->sealed = false;
  }
  return {};
}

Result<void> TopicReader::find_journal() {
  std::optional<std::uint64_t> seed;
  for (const SegmentFile& segment : segments_) {
    if (segment.header) seed = segment.header->identity.seed;
  }
  auto reading = storage::read_journal(files_, journal_path(), seed,
                                       [this](std::string_view entry) { record_.replay(entry); });
  if (!reading) return reading.error();
  JournalReport& report = report_.journal;
  report.path = journal_path().substr(prefix_);
  report.bytes = reading->bytes;
  report.entries = reading->entries;
  report.header_damaged = reading->header_damaged && reading->bytes > 0;
  report.torn_bytes = reading->bytes - std::min(reading->bytes, reading->valid_end);
  report.unreadable_bytes = reading->unreadable - std::min(reading->unreadable, report.torn_bytes);
  report.clean = record_.clean && reading->unreadable == 0;
  if (report.header_damaged) report.torn_bytes = report.unreadable_bytes = 0;
  // The log of a journal that was left unfinished is judged by what it says; of one that lacks
  // entries, the position may come from behind them.
  if (report.damaged() || record_.unreadable > 0) record_.sound.reset();
  // Without a segment that says how to read the others, the journal's seed does.
  if (!seed && reading->bytes > 0 && !reading->header_damaged) {
    for (SegmentFile& segment : segments_) {
      if (!segment.header_damaged) continue;
      segment.header = storage::SegmentHeader{storage::kFormatVersion, {reading->seed, 0}, false};
    }
  }
  return {};
}

// Whether what lies at that place was on the disk and known to be when the journal was written:
// then what is missing there is damage, not a crash's work.
bool TopicReader::is_settled(const SegmentFile& file, std::uint64_t offset) const {
  if (report_.journal.clean || file.header->sealed) return true;
  if (!record_.sound) return false;
  return file.first != record_.sound->segment ? file.first < record_.sound->segment
                                              : offset < record_.sound->offset;
}

void TopicReader::note_end(const SegmentFile& file, std::uint64_t sound_end,
                           SegmentReport& report) const {
  const std::uint64_t rest = file.bytes - sound_end;
  if (rest == 0) return;
  if (is_settled(file, sound_end)) {
    ++report.damaged_places;
    report.damaged_bytes += rest;
  } else {
    report.torn_bytes += rest;
  }
}

Result<SegmentReport> TopicReader::read_segment(const SegmentFile& file, Count& count,
                                                const Visit& visit, const Progress& progress) {
  SegmentReport report;
  report.path = file.path.substr(prefix_);
  report.first = file.first;
  report.bytes = file.bytes;
  report.header_damaged = file.header_damaged;
  if (!file.header) {
    if (file.header_damaged) report.damaged_bytes = file.bytes;
    return report;
  }
  auto opened = files_.open(file.path, FileSystem::Mode::Read);
  if (!opened) return opened.error();
  storage::RecordStream records(**opened, file.header->identity, kSegmentHeaderBytes, file.bytes);
  std::uint64_t behind = kSegmentHeaderBytes;
  std::uint64_t batch_begin = behind;  // of the last batch, or the end of the one before
  Index next = file.first;
  bool open = false;  // the batch goes on
  while (true) {
    auto item = records.next({next, file.end});
    if (!item) return item.error();
    if (!*item) break;
    if ((*item)->behind_damage) {
      ++report.damaged_places;
      report.damaged_bytes += (*item)->offset - behind;
    }
    const storage::Record& record = (*item)->record;
    if (!record.in_batch) batch_begin = (*item)->offset;
    open = record.batch_goes_on;
    next = record.index + 1;
    progress((*item)->end - behind);
    behind = (*item)->end;
    ++report.records;
    count.add(record);
    visit({topic_, record});
  }
  progress(file.bytes - behind);
  note_end(file, behind, report);
  // A batch whose end is missing is taken out as a whole.
  if (open && !is_settled(file, behind)) report.torn_bytes += behind - batch_begin;
  return report;
}

Result<TopicReport> TopicReader::read(Timestamp now, const Visit& visit, const Progress& progress) {
  TopicReport report = report_;
  Count count{record_, now, {}, record_.sound ? record_.sound->index : 0, report};
  for (const auto& [number, channel] : record_.channels) {
    count.channels.push_back({channel, {channel.name, 0, 0, 0, 0, false}});
  }
  for (const SegmentFile& file : segments_) {
    auto segment = read_segment(file, count, visit, progress);
    if (!segment) return segment.error();
    report.segments.push_back(std::move(*segment));
  }
  for (auto& channel : count.channels) {
    // Before the position, every index is finished, a gap, or a message that must be there.
    Index end = count.settled_end;
    if (record_.held) end = std::min(end, record_.routed);
    storage::IntervalSet done = channel.record.finished;
    done.add(record_.gaps);
    const IndexRange range{channel.record.start, end};
    const std::uint64_t owed = range.count() - (range.empty() ? 0 : done.count_in(range));
    channel.report.missing = owed - std::min(owed, channel.settled);
    report.channels.push_back(std::move(channel.report));
  }
  std::sort(report.channels.begin(), report.channels.end(),
            [](const ChannelReport& a, const ChannelReport& b) { return a.name < b.name; });
  return report;
}

}  // namespace nsq::check
