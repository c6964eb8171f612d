#include "broker/diskqueue.h"

#include <algorithm>
#include <charconv>

#include "base/bytes.h"
#include "protocol/message_id.h"
#include "protocol/names.h"

namespace nsq::broker {
namespace {

constexpr std::string_view kInfix = ".diskqueue.";
constexpr std::size_t kLengthBytes = 4;
constexpr std::size_t kIdOffset = kLengthBytes + 8 + 2;
constexpr std::size_t kIdBytes = 16;
constexpr std::size_t kHeaderBytes = kIdOffset + kIdBytes;
constexpr std::size_t kFixedBytes = kHeaderBytes - kLengthBytes;  // of what a length counts
constexpr std::size_t kLeastDigits = 6;

bool is_digits(std::string_view text) {
  return !text.empty() &&
         std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

// A decimal number with `end` behind it, removed from the front; nothing if that is not there.
template <typename Number>
std::optional<Number> take_number(std::string_view& text, char end) {
  Number number{};
  const char* const last = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), last, number);
  if (error != std::errc() || stop == last || *stop != end) return std::nullopt;
  text.remove_prefix(static_cast<std::size_t>(stop - text.data()) + 1);
  return number;
}

std::uint32_t length_at(std::string_view bytes) {
  return load_big<std::uint32_t>(bytes.data());
}

}  // namespace

std::optional<DiskqueueFile> parse_diskqueue_name(std::string_view name) {
  // Topics may have this in their names too.
  const std::size_t infix = name.rfind(kInfix);
  if (infix == std::string_view::npos) return std::nullopt;
  const std::string_view base = name.substr(0, infix);
  const std::string_view suffix = name.substr(infix + kInfix.size());
  const std::size_t colon = base.find(':');

  DiskqueueFile file;
  file.topic = base.substr(0, colon);
  if (colon != std::string_view::npos) {
    file.channel = base.substr(colon + 1);
    if (!protocol::is_valid_name(file.channel)) return std::nullopt;
  }
  if (!protocol::is_valid_name(file.topic)) return std::nullopt;

  const std::size_t dot = suffix.find('.');
  const std::string_view word = suffix.substr(0, dot);
  const std::string_view ending = dot == std::string_view::npos ? "" : suffix.substr(dot);
  const bool is_number = is_digits(word) && word.size() >= kLeastDigits;
  if (word == "meta" && ending == ".dat") {
    file.kind = DiskqueueFile::Kind::Meta;
  } else if (is_number && ending == ".dat") {
    file.kind = DiskqueueFile::Kind::Data;
    const auto parsed = std::from_chars(word.data(), word.data() + word.size(), file.number);
    if (parsed.ec != std::errc()) return std::nullopt;
  } else if (!(is_number && ending == ".dat.bad") &&
             !(word == "meta" && ending.starts_with(".dat.") && ending.ends_with(".tmp"))) {
    return std::nullopt;
  }
  return file;
}

std::optional<DiskqueueMeta> parse_diskqueue_meta(std::string_view text) {
  const auto depth = take_number<std::int64_t>(text, '\n');
  const auto read_file = take_number<std::uint64_t>(text, ',');
  const auto read_offset = take_number<std::uint64_t>(text, '\n');
  const auto write_file = take_number<std::uint64_t>(text, ',');
  const auto write_offset = take_number<std::uint64_t>(text, '\n');
  if (!depth || !read_file || !read_offset || !write_file || !write_offset) return std::nullopt;
  return DiskqueueMeta{*depth, *read_file, *read_offset, *write_file, *write_offset};
}

void DiskqueueParser::feed(std::string_view bytes) {
  buffer_.erase(0, start_);
  start_ = 0;
  buffer_ += bytes;
}

bool DiskqueueParser::looks_like_record(std::string_view bytes) const {
  if (bytes.size() < kHeaderBytes) return false;
  const std::size_t length = length_at(bytes);
  if (length < kFixedBytes || length - kFixedBytes > max_body_bytes_) return false;
  const std::string_view id = bytes.substr(kIdOffset, kIdBytes);
  return std::all_of(id.begin(), id.end(),
                     [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

std::size_t DiskqueueParser::find_record(std::string_view bytes, std::size_t from) const {
  for (std::size_t at = from; at + kHeaderBytes <= bytes.size(); ++at) {
    if (looks_like_record(bytes.substr(at))) return at;
  }
  return std::string_view::npos;
}

void DiskqueueParser::skip(std::size_t bytes) {
  if (bytes == 0) return;
  if (!skipping_) ++damaged_;
  skipping_ = true;
  skipped_bytes_ += bytes;
  start_ += bytes;
}

// How many bytes, from what looks like a record of that size on, are none after all; 0 if it is
// one.
std::size_t DiskqueueParser::disbelieved(std::string_view record, std::size_t size) const {
  const bool is_whole = record.size() >= size;
  if (is_whole && (record.size() == size || looks_like_record(record.substr(size)))) return 0;
  const std::string_view searched = record.substr(0, std::min(record.size(), size + kHeaderBytes));
  const std::size_t inside = find_record(searched, kHeaderBytes);
  if (inside < size) return inside;  // npos is larger
  return is_whole ? 0 : record.size();
}

std::optional<DiskqueueRecord> DiskqueueParser::next() {
  while (true) {
    const std::string_view bytes = rest();
    const std::size_t found = find_record(bytes, 0);
    if (found == std::string_view::npos) {
      // A header may have begun in the last bytes.
      const std::size_t kept = at_end_ ? 0 : std::min(bytes.size(), kHeaderBytes - 1);
      // Only so many bytes as cannot be the beginning of one are known to be none.
      skip(bytes.size() - kept);
      return std::nullopt;
    }
    skip(found);
    const std::string_view record = bytes.substr(found);
    const std::size_t size = kLengthBytes + length_at(record);
    // What follows is looked at, too.
    if (record.size() < size + kHeaderBytes && !at_end_) return std::nullopt;
    if (const std::size_t wrong = disbelieved(record, size); wrong > 0) {
      skip(wrong);
      continue;
    }
    if (size == kHeaderBytes) {  // nobody can have published an empty message
      skip(size);
      continue;
    }
    start_ += size;
    skipping_ = false;
    const auto id = protocol::MessageId::parse(record.substr(kIdOffset, kIdBytes));
    return DiskqueueRecord{Timestamp(load_big<std::int64_t>(record.data() + kLengthBytes)),
                           load_big<std::uint16_t>(record.data() + kLengthBytes + 8), id->value,
                           record.substr(kHeaderBytes, size - kHeaderBytes)};
  }
}

}  // namespace nsq::broker
