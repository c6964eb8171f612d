#include "broker/journal_entries.h"

#include <algorithm>

#include "base/bytes.h"

namespace nsq::broker {
namespace {

// The first byte of each change. New kinds get new numbers; none is ever reused.
enum class Kind : char {
  ChannelCreated = 1,
  ChannelDeleted = 2,
  Finished = 3,
  Waiting = 4,
  Deferral = 5,
  Routed = 6,
  Gap = 7,
  Sound = 8,
  Opened = 9,
  Closed = 10,
};

template <typename T>
void put(std::string& to, T number) {
  char bytes[sizeof(T)];
  store_little(bytes, number);
  to.append(bytes, sizeof bytes);
}

void put(std::string& to, Kind kind) {
  to += static_cast<char>(kind);
}

// Takes numbers from the front of a payload; once it runs out, everything is 0 and ok() false.
class Reader {
 public:
  explicit Reader(std::string_view bytes) : bytes_(bytes) {}

  template <typename T>
  T take() {
    if (bytes_.size() < sizeof(T)) {
      ok_ = false;
      bytes_ = {};
      return 0;
    }
    const T number = load_little<T>(bytes_.data());
    bytes_.remove_prefix(sizeof(T));
    return number;
  }
  std::string_view take_text(std::size_t length) {
    if (bytes_.size() < length) {
      ok_ = false;
      bytes_ = {};
      return {};
    }
    const std::string_view text = bytes_.substr(0, length);
    bytes_.remove_prefix(length);
    return text;
  }
  bool ok() const { return ok_; }
  bool at_end() const { return bytes_.empty(); }
  void fail() { ok_ = false; }

 private:
  std::string_view bytes_;
  bool ok_ = true;
};

// What a channel notes of a message says that it had come to the channels: the note of that goes
// another way, and may follow later or be lost.
void replay_owned(TopicRecord& record, Index end) {
  record.routed = std::max(record.routed, end);
  record.mentioned = std::max(record.mentioned, end);
}

// Has `note` taken down for the channel of that number. `end` is behind the messages it is about.
template <typename Note>
void replay_note(TopicRecord& record, std::uint32_t number, Index end, Note note) {
  record.mentioned = std::max(record.mentioned, end);
  const auto found = record.channels.find(number);
  if (found == record.channels.end()) return note(record.unmade[number]);
  note(found->second);
  replay_owned(record, end);
}

void replay_finished(TopicRecord& record, Reader& reader) {
  const auto number = reader.take<std::uint32_t>();
  for (auto left = reader.take<std::uint32_t>(); left > 0 && reader.ok(); --left) {
    const IndexRange range{reader.take<Index>(), reader.take<Index>()};
    if (!reader.ok()) return;
    replay_note(record, number, range.end,
                [&](ChannelRecord& channel) { channel.finished.add(range); });
  }
}

void replay_waiting(TopicRecord& record, Reader& reader) {
  const auto number = reader.take<std::uint32_t>();
  const auto index = reader.take<Index>();
  WaitingNote note;
  note.attempts = reader.take<std::uint16_t>();
  note.due = Timestamp{reader.take<std::int64_t>()};
  if (!reader.ok()) return;
  replay_note(record, number, index + 1,
              [&](ChannelRecord& channel) { channel.waiting[index] = note; });
}

void replay_channel_created(TopicRecord& record, Reader& reader) {
  const auto number = reader.take<std::uint32_t>();
  const auto start = reader.take<Index>();
  const std::string_view name = reader.take_text(reader.take<std::uint16_t>());
  if (!reader.ok()) return;
  record.deleted.erase(std::string(name));
  if (record.channels.contains(number)) return;  // said before
  ChannelRecord& channel = record.channels[number];
  if (auto early = record.unmade.extract(number)) channel = std::move(early.mapped());
  channel.name = name;
  channel.start = start;
  replay_owned(record, std::max(start, channel.finished.end()));
  if (!channel.waiting.empty()) replay_owned(record, channel.waiting.rbegin()->first + 1);
}

void replay_channel_deleted(TopicRecord& record, Reader& reader) {
  const auto channel = record.channels.find(reader.take<std::uint32_t>());
  if (!reader.ok() || channel == record.channels.end()) return;
  record.deleted.insert(channel->second.name);
  record.channels.erase(channel);
}

void replay_change(TopicRecord& record, Kind kind, Reader& reader) {
  switch (kind) {
    case Kind::ChannelCreated:
      return replay_channel_created(record, reader);
    case Kind::ChannelDeleted:
      return replay_channel_deleted(record, reader);
    case Kind::Finished:
      return replay_finished(record, reader);
    case Kind::Waiting:
      return replay_waiting(record, reader);
    case Kind::Deferral: {
      const auto index = reader.take<Index>();
      const Timestamp due{reader.take<std::int64_t>()};
      if (!reader.ok()) return;
      record.deferrals[index] = due;
      record.mentioned = std::max(record.mentioned, index + 1);
      return;
    }
    case Kind::Routed:
      record.held = reader.take<std::uint8_t>() != 0;
      replay_owned(record, reader.take<Index>());
      return;
    case Kind::Gap: {
      const IndexRange range{reader.take<Index>(), reader.take<Index>()};
      if (!reader.ok()) return;
      record.gaps.add(range);
      record.mentioned = std::max(record.mentioned, range.end);
      return;
    }
    case Kind::Sound: {
      storage::LogPosition position;
      position.segment = reader.take<Index>();
      position.offset = reader.take<std::uint64_t>();
      position.index = reader.take<Index>();
      if (reader.ok()) record.sound = position;
      return;
    }
    case Kind::Opened:
      return;
    case Kind::Closed:
      record.clean = true;
      return;
  }
  reader.fail();  // nothing behind an unknown change can be understood
}

}  // namespace

void TopicRecord::replay(std::string_view payload) {
  Reader reader(payload);
  any = true;
  clean = false;
  while (reader.ok() && !reader.at_end()) {
    replay_change(*this, static_cast<Kind>(reader.take<char>()), reader);
  }
  if (!reader.ok()) ++unreadable;
}

std::uint32_t TopicRecord::next_channel_number() const {
  std::uint32_t next = 1;
  if (!channels.empty()) next = channels.rbegin()->first + 1;
  if (!unmade.empty()) next = std::max(next, unmade.rbegin()->first + 1);
  return next;
}

std::vector<std::uint32_t> TopicRecord::add_forgotten(std::span<const std::string> names) {
  std::vector<std::uint32_t> added;
  for (const std::string& name : names) {
    const bool known = std::any_of(channels.begin(), channels.end(),
                                   [&](const auto& each) { return each.second.name == name; });
    if (known || deleted.contains(name)) continue;
    const std::uint32_t number = next_channel_number();
    channels[number].name = name;
    added.push_back(number);
  }
  return added;
}

namespace journal {

void channel_created(std::string& to, std::uint32_t channel, Index start, std::string_view name) {
  put(to, Kind::ChannelCreated);
  put(to, channel);
  put(to, start);
  put(to, static_cast<std::uint16_t>(name.size()));
  to += name;
}

void channel_deleted(std::string& to, std::uint32_t channel) {
  put(to, Kind::ChannelDeleted);
  put(to, channel);
}

void finished(std::string& to, std::uint32_t channel, const IntervalSet& ranges) {
  if (ranges.empty()) return;
  put(to, Kind::Finished);
  put(to, channel);
  put(to, static_cast<std::uint32_t>(ranges.range_count()));
  ranges.for_each([&](IndexRange range) {
    put(to, range.begin);
    put(to, range.end);
  });
}

void waiting(std::string& to, std::uint32_t channel, Index index, WaitingNote note) {
  put(to, Kind::Waiting);
  put(to, channel);
  put(to, index);
  put(to, note.attempts);
  put(to, note.due.nanoseconds());
}

void deferral(std::string& to, Index index, Timestamp due) {
  put(to, Kind::Deferral);
  put(to, index);
  put(to, due.nanoseconds());
}

void routed(std::string& to, bool held, Index index) {
  put(to, Kind::Routed);
  put(to, static_cast<std::uint8_t>(held));
  put(to, index);
}

void gap(std::string& to, IndexRange range) {
  put(to, Kind::Gap);
  put(to, range.begin);
  put(to, range.end);
}

void sound(std::string& to, const storage::LogPosition& position) {
  put(to, Kind::Sound);
  put(to, position.segment);
  put(to, position.offset);
  put(to, position.index);
}

void opened(std::string& to) {
  put(to, Kind::Opened);
}
void closed(std::string& to) {
  put(to, Kind::Closed);
}

}  // namespace journal
}  // namespace nsq::broker
