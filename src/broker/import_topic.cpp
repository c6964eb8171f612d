#include "broker/import_topic.h"

#include <iterator>
#include <optional>
#include <utility>

#include "base/log.h"

namespace nsq::broker {
namespace {

constexpr std::size_t kPieceBytes = 1 << 20;
constexpr std::size_t kMaxMetaBytes = 256;
// The largest message taken for one: what an nsqd can be told to accept is not known here.
constexpr std::size_t kMaxBodyBytes = std::size_t{256} << 20;
constexpr std::size_t kEntriesBytes = 64 << 10;
// A message with attempts waits in a channel's memory. Of more than these the attempts are
// forgotten, and counted from 0 again.
constexpr std::uint64_t kMaxKeptAttempts = 1'000'000;
constexpr std::uint64_t kMessagesBetweenReports = 1'000'000;

std::optional<DiskqueueMeta> read_meta(storage::FileSystem& files, const std::string& path) {
  auto file = files.open(path, storage::FileSystem::Mode::Read);
  if (!file) return std::nullopt;
  std::string text(kMaxMetaBytes, '\0');
  const auto size = (*file)->read_at(text, 0);
  if (!size) return std::nullopt;
  return parse_diskqueue_meta(std::string_view(text).substr(0, *size));
}

}  // namespace

TopicImport::TopicImport(const Context& context, const ImportTopic& topic, std::string directory,
                         Index first)
    : context_(context),
      topic_(topic),
      directory_(std::move(directory)),
      log_(context.files, directory_, {context.options.seed, context.options.node_id}, first,
           context.options.max_bytes_per_file),
      journal_(context.files, directory_ + "/journal", context.options.seed),
      first_(first) {
  std::uint32_t number = 1;
  for (const auto& [name, queue] : topic.channels) channels_.push_back({name, number++, {}});
}

std::string TopicImport::path_of(const std::string& name) const {
  return context_.options.data_path + "/" + name;
}

Result<void> TopicImport::run() {
  for (Channel& channel : channels_) {
    const Index own_begin = log_.end();
    const ImportQueue& queue = topic_.channels.at(channel.name);
    if (auto done = import_queue(queue, topic_.name + ":" + channel.name, &channel); !done) {
      return done;
    }
    channel.own = {own_begin, log_.end()};
  }
  const Index own_begin = log_.end();
  if (auto done = import_queue(topic_.queue, topic_.name, nullptr); !done) return done;
  return begun_ ? finish(own_begin) : Result<void>();
}

// `base` is what the files' names begin with.
Result<void> TopicImport::import_queue(const ImportQueue& queue, const std::string& base,
                                       const Channel* owner) {
  if (queue.data_files.empty()) return {};
  const auto meta = read_meta(context_.files, path_of(base + ".diskqueue.meta.dat"));
  if (!meta) {
    log::warning("IMPORT: {}: its metadata is {}, everything there is counts as unread", base,
                 queue.has_meta ? "damaged" : "missing");
  }
  for (const auto& [number, name] : queue.data_files) {
    if (meta && (number < meta->read_file || number > meta->write_file)) {
      log::warning("IMPORT: {} is not among the files of its queue, ignored", name);
      continue;
    }
    const std::uint64_t offset = meta && number == meta->read_file ? meta->read_offset : 0;
    if (auto done = import_file(name, offset, owner); !done) return done;
  }
  if (!meta) return {};
  // The one being written to need not exist yet.
  const auto first = queue.data_files.lower_bound(meta->read_file);
  const auto last = queue.data_files.lower_bound(meta->write_file);
  const auto found = static_cast<std::uint64_t>(std::distance(first, last));
  if (meta->read_file < meta->write_file && found < meta->write_file - meta->read_file) {
    log::error("IMPORT: {}: {} of its files are missing", base,
               meta->write_file - meta->read_file - found);
    ++context_.summary.damaged;
  }
  return {};
}

// To the file's end, even where the metadata say that less was written: they may be old.
Result<void> TopicImport::import_file(const std::string& name, std::uint64_t offset,
                                      const Channel* owner) {
  auto file = context_.files.open(path_of(name), storage::FileSystem::Mode::Read);
  if (!file) return file.error();
  DiskqueueParser parser(kMaxBodyBytes);
  std::string piece(kPieceBytes, '\0');
  for (bool at_end = false; !at_end;) {
    if (context_.is_stopping && context_.is_stopping()) {
      return Error(std::make_error_code(std::errc::operation_canceled), "importing " + name);
    }
    const auto size = (*file)->read_at(piece, offset);
    if (!size) {
      log::error("IMPORT: {}, from byte {} on: the rest is lost", size.error().to_string(), offset);
      ++context_.summary.damaged;
    }
    at_end = !size || *size < piece.size();
    if (size) parser.feed(std::string_view(piece).substr(0, *size));
    if (size) offset += *size;
    if (at_end) parser.end();
    while (const auto record = parser.next()) {
      if (auto done = add(*record, owner); !done) return done;
    }
  }
  if (parser.damaged() == 0) return {};
  context_.summary.damaged += parser.damaged();
  log::error("IMPORT: {}: {} damaged places, {} bytes of them, passed over", name, parser.damaged(),
             parser.skipped_bytes());
  return {};
}

Result<void> TopicImport::add(const DiskqueueRecord& record, const Channel* owner) {
  if (!begun_) {
    if (auto done = begin(); !done) return done;
  }
  const Index index = log_.end();
  if (auto done = log_.append(record.id, record.timestamp, record.body); !done) return done;
  if (++context_.summary.messages % kMessagesBetweenReports == 0) {
    log::info("IMPORT: {} messages so far, in topic {}", context_.summary.messages, topic_.name);
  }
  if (owner == nullptr || record.attempts == 0) return {};
  if (++kept_attempts_ > kMaxKeptAttempts) return {};
  journal::waiting(entries_, owner->number, index, {record.attempts, Timestamp(0)});
  return entries_.size() < kEntriesBytes ? Result<void>() : flush_entries();
}

Result<void> TopicImport::begin() {
  begun_ = true;
  if (auto made = context_.files.create_directory(directory_); !made) return made;
  journal::opened(entries_);
  for (const Channel& channel : channels_) {
    journal::channel_created(entries_, channel.number, log_.end(), channel.name);
  }
  return flush_entries();
}

Result<void> TopicImport::flush_entries() {
  if (entries_.empty()) return {};
  auto done = journal_.append(entries_);
  entries_.clear();
  return done;
}

// What belongs to one channel is finished for the others, and what belongs to the topic waits there
// if it is to.
Result<void> TopicImport::finish(Index own_begin) {
  if (kept_attempts_ > kMaxKeptAttempts) {
    log::warning("IMPORT: topic {}: the attempts of {} messages are forgotten", topic_.name,
                 kept_attempts_ - kMaxKeptAttempts);
  }
  for (const Channel& channel : channels_) {
    IntervalSet others;
    for (const Channel& other : channels_) {
      if (&other != &channel) others.add(other.own);
    }
    if (!others.empty()) journal::finished(entries_, channel.number, others);
    if (entries_.size() < kEntriesBytes) continue;
    if (auto done = flush_entries(); !done) return done;
  }
  const bool held = topic_.paused || channels_.empty();
  journal::routed(entries_, held, held ? own_begin : log_.end());
  auto sound = log_.finish();
  if (!sound) return sound.error();
  journal::sound(entries_, *sound);
  journal::closed(entries_);
  if (auto done = flush_entries(); !done) return done;
  if (auto done = journal_.sync(); !done) return done;
  ++context_.summary.topics;
  log::info("IMPORT: topic {}: {} messages", topic_.name, log_.end() - first_);
  return context_.files.sync_directory(directory_);
}

}  // namespace nsq::broker
