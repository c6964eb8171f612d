#include "check/repair.h"

#include <fmt/format.h>

#include <algorithm>

#include "storage/journal.h"
#include "storage/segment.h"
#include "storage/segment_copy.h"
#include "storage/segment_scan.h"

namespace nsq::check {
namespace {

using storage::FileSystem;
using storage::Index;
using storage::IndexRange;
using storage::IntervalSet;
using storage::kSegmentHeaderBytes;

constexpr std::size_t kCopyBytes = 1 << 20;
constexpr const char* kTemporary = ".tmp";

class Repair {
 public:
  Repair(FileSystem& files, const Inspection& inspection, const DirectoryReport& report,
         Timestamp now)
      : files_(files),
        inspection_(inspection),
        report_(report),
        now_(now),
        aside_("damaged-" + std::to_string(now.nanoseconds())) {}

  Result<std::vector<std::string>> run(const std::string& version) {
    for (const TopicReport& topic : report_.topics) {
      if (!topic.damaged()) continue;
      if (auto done = mend_topic(topic); !done) return done.error();
    }
    if (!report_.metadata_problem.empty()) {
      if (auto done = write_metadata(version); !done) return done.error();
    }
    return std::move(lines_);
  }

 private:
  void say(std::string line) { lines_.push_back(std::move(line)); }
  std::string full(const std::string& path) const { return report_.data_path + "/" + path; }

  Result<void> mend_topic(const TopicReport& topic) {
    const TopicReader& reader = *inspection_.topics().at(topic.name);
    for (std::size_t i = 0; i < topic.segments.size(); ++i) {
      if (!topic.segments[i].damaged()) continue;
      if (auto done = mend_segment(reader, reader.segments()[i], topic.segments[i]); !done) {
        return done;
      }
    }
    return write_journal(reader, topic);
  }

  // The indexes of the records to keep: all that a start of the daemon would take.
  Result<IntervalSet> sound_records(const TopicReader& reader, const SegmentFile& file,
                                    bool settled) {
    auto opened = files_.open(file.path, FileSystem::Mode::Read);
    if (!opened) return opened.error();
    const auto& sound = reader.record().sound;
    const Index settled_end = settled ? storage::kNoIndex : sound ? sound->index : 0;
    auto scan = storage::scan_segment(
        **opened, file.header->identity,
        {kSegmentHeaderBytes, file.bytes, {file.first, file.end}, settled_end});
    if (!scan) return scan.error();
    IntervalSet keep;
    Index begin = file.first;
    for (const IndexRange& gap : scan->gaps) {
      keep.add(IndexRange{begin, gap.begin});
      begin = gap.end;
    }
    keep.add(IndexRange{begin, scan->end});
    return keep;
  }

  Result<void> mend_segment(const TopicReader& reader, const SegmentFile& file,
                            const SegmentReport& report) {
    if (auto kept = keep_original(report.path); !kept) return kept;
    if (!file.header) {
      say(report.path + ": nothing in it can be read");
      return files_.remove(file.path);
    }
    const bool settled = file.header->sealed || reader.record().clean;
    auto keep = sound_records(reader, file, settled);
    if (!keep) return keep.error();
    storage::Segment segment(files_, file.path, file.first, *file.header);
    const std::string temporary = file.path + kTemporary;
    auto copy = storage::copy_segment(files_, segment, {file.end, file.bytes}, *keep, temporary);
    if (!copy) return copy.error();
    if (auto done = files_.rename(temporary, file.path); !done) return done;
    say(fmt::format("{}: {} messages saved; {} bytes in {} places made no sense{}", report.path,
                    copy->records, report.damaged_bytes, report.damaged_places,
                    report.header_damaged ? ", nor did the file's header" : ""));
    return files_.sync_directory(storage::parent_directory(file.path));
  }

  // All the journal said, in one entry. It says no position, so that the next start reads the whole
  // log.
  static std::string encode(const broker::TopicRecord& record, const IntervalSet& absent) {
    namespace journal = broker::journal;
    std::string entries;
    journal::opened(entries);
    std::uint32_t number = 0;
    for (const auto& [channel_number, channel] : record.channels) {
      number = std::max(number, channel_number + 1);
      journal::channel_created(entries, channel_number, channel.start, channel.name);
      journal::finished(entries, channel_number, channel.finished);
      for (const auto& [index, note] : channel.waiting) {
        journal::waiting(entries, channel_number, index, note);
      }
    }
    for (const std::string& name : record.deleted) {
      journal::channel_created(entries, number, 0, name);
      journal::channel_deleted(entries, number++);
    }
    for (const auto& [index, due] : record.deferrals) journal::deferral(entries, index, due);
    journal::routed(entries, record.held, record.routed);
    IntervalSet gaps = record.gaps;
    gaps.add(absent);
    gaps.for_each([&](IndexRange gap) { journal::gap(entries, gap); });
    return entries;
  }

  // The indexes before `end` that no record has any more.
  Result<IntervalSet> absent_records(const TopicReport& topic, Index end) {
    IntervalSet present;
    Inspection again(files_, report_.data_path);
    if (auto opened = again.open(); !opened) return opened.error();
    const auto note = [&](const Found& found) { present.add(found.record.index); };
    auto read = again.read(topic.name, now_, note, [](std::uint64_t) {});
    if (!read) return read.error();
    IntervalSet absent;
    for (Index at = 0; at < end;) {
      const Index there = std::min(present.next_present(at), end);
      absent.add(IndexRange{at, there});
      at = present.next_absent(there);
    }
    return absent;
  }

  // Channels that nsqd.dat knows and the journal has lost get all there is.
  void add_forgotten(const TopicReport& topic, broker::TopicRecord& record) {
    std::vector<std::string> names;
    for (const ChannelReport& channel : topic.channels) names.push_back(channel.name);
    for (const std::uint32_t number : record.add_forgotten(names)) {
      say(fmt::format("{}: the journal has lost channel {}; all messages there are go to it",
                      topic.name, record.channels[number].name));
    }
  }

  Result<void> write_journal(const TopicReader& reader, const TopicReport& topic) {
    const broker::TopicRecord& record = reader.record();
    if (topic.journal.bytes == 0 || !record.any) {
      if (topic.journal.bytes == 0) return {};
      if (auto kept = keep_original(topic.journal.path); !kept) return kept;
      say(topic.journal.path + ": nothing in it can be read; all messages will be delivered again");
      return files_.remove(reader.journal_path());
    }
    // Up to where messages are known to have been: behind that, what is not there never was.
    const Index end = record.sound ? record.sound->index : 0;
    auto absent = absent_records(topic, end);
    if (!absent) return absent.error();
    if (auto kept = keep_original(topic.journal.path); !kept) return kept;
    const std::string temporary = reader.journal_path() + kTemporary;
    if (files_.exists(temporary)) {
      if (auto removed = files_.remove(temporary); !removed) return removed;
    }
    std::uint64_t seed = static_cast<std::uint64_t>(now_.nanoseconds());
    for (const SegmentFile& file : reader.segments()) {
      if (file.header) seed = file.header->identity.seed;
    }
    broker::TopicRecord mended = record;
    if (topic.journal.damaged()) add_forgotten(topic, mended);
    storage::Journal journal(files_, temporary, seed);
    Result<void> done = journal.append(encode(mended, *absent));
    if (done) done = journal.sync();
    if (done) done = files_.rename(temporary, reader.journal_path());
    if (done) done = files_.sync_directory(full(topic.directory));
    if (!done) return done;
    if (topic.journal.damaged()) {
      say(fmt::format("{}: {} entries saved; some messages may be delivered again",
                      topic.journal.path, topic.journal.entries));
    }
    for (const ChannelReport& channel : topic.channels) {
      if (channel.missing == 0) continue;
      say(fmt::format("{}: {} messages that channel {} was still to get are lost", topic.name,
                      channel.missing, channel.name));
    }
    return {};
  }

  Result<void> write_metadata(const std::string& version) {
    if (auto kept = keep_original("nsqd.dat"); !kept) return kept;
    broker::Metadata metadata;
    for (const TopicReport& topic : report_.topics) {
      auto& noted = metadata.topics.emplace_back();
      noted.name = topic.name;
      for (const ChannelReport& channel : topic.channels) {
        noted.channels.push_back({channel.name, false});
      }
    }
    say("nsqd.dat: written anew from the journals; what was paused is not known any more");
    return storage::replace_file(files_, inspection_.metadata_path(), metadata.to_json(version));
  }

  // A copy of the file, synced, where the originals are kept.
  Result<void> keep_original(const std::string& path) {
    const std::string to = full(aside_ + "/" + path);
    for (std::size_t at = report_.data_path.size() + 1; at != std::string::npos;
         at = to.find('/', at + 1)) {
      const std::size_t slash = to.find('/', at);
      if (slash == std::string::npos) break;
      const std::string directory = to.substr(0, slash);
      if (files_.exists(directory)) continue;
      if (auto made = files_.create_directory(directory); !made) return made;
      if (auto synced = files_.sync_directory(storage::parent_directory(directory)); !synced) {
        return synced;
      }
    }
    if (auto copied = copy_file(full(path), to); !copied) return copied;
    say(path + ": the original is kept as " + aside_ + "/" + path);
    return files_.sync_directory(storage::parent_directory(to));
  }

  Result<void> copy_file(const std::string& from, const std::string& to) {
    auto source = files_.open(from, FileSystem::Mode::Read);
    if (!source) return source.error();
    auto target = files_.open(to, FileSystem::Mode::Create);
    if (!target) return target.error();
    std::vector<char> buffer(kCopyBytes);
    for (std::uint64_t at = 0;;) {
      auto got = (*source)->read_at(buffer, at);
      if (!got) return got.error();
      if (*got == 0) return (*target)->sync();
      const std::string_view piece(buffer.data(), *got);
      if (auto done = (*target)->write_at(std::span(&piece, 1), at); !done) return done;
      at += *got;
    }
  }

  FileSystem& files_;
  const Inspection& inspection_;
  const DirectoryReport& report_;
  const Timestamp now_;
  const std::string aside_;
  std::vector<std::string> lines_;
};

}  // namespace

Result<std::vector<std::string>> repair(FileSystem& files, const Inspection& inspection,
                                        const DirectoryReport& report, const std::string& version,
                                        Timestamp now) {
  return Repair(files, inspection, report, now).run(version);
}

}  // namespace nsq::check
