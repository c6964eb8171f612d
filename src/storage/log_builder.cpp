#include "storage/log_builder.h"

#include <span>
#include <utility>

#include "base/assert.h"
#include "storage/segment.h"

namespace nsq::storage {
namespace {

constexpr std::size_t kBufferBytes = 1 << 20;

}  // namespace

LogBuilder::LogBuilder(FileSystem& files, std::string directory, LogIdentity identity, Index first,
                       std::uint64_t max_bytes_per_file)
    : files_(files),
      directory_(std::move(directory)),
      identity_(identity),
      max_bytes_per_file_(max_bytes_per_file),
      end_(first) {}

Result<void> LogBuilder::start_segment() {
  if (file_) {
    if (auto done = finish_segment(); !done) return done;
  }
  segment_ = end_;
  auto opened =
      files_.open(directory_ + "/" + segment_file_name(segment_), FileSystem::Mode::Create);
  if (!opened) return opened.error();
  file_ = std::move(*opened);
  written_ = 0;
  buffer_.resize(kSegmentHeaderBytes);
  encode_segment_header(buffer_.data(), identity_);
  return {};
}

Result<void> LogBuilder::append(std::uint64_t id, Timestamp timestamp, std::string_view body) {
  Record record;
  record.index = end_;
  record.id = id;
  record.timestamp = timestamp;
  record.body = body;
  const std::size_t size = encoded_bytes(record, identity_.node_id);
  const bool is_full = written_ + buffer_.size() + size > max_bytes_per_file_;
  if (!file_ || (is_full && end_ != segment_)) {
    if (auto started = start_segment(); !started) return started;
  }
  const std::size_t start = buffer_.size();
  buffer_.resize(start + size);
  encode_record(buffer_.data() + start, record, identity_);
  ++end_;
  return buffer_.size() < kBufferBytes ? Result<void>() : flush();
}

Result<void> LogBuilder::flush() {
  const std::string_view bytes = buffer_;
  auto done = file_->write_at(std::span(&bytes, 1), written_);
  written_ += buffer_.size();
  buffer_.clear();
  return done;
}

Result<void> LogBuilder::finish_segment() {
  if (auto done = flush(); !done) return done;
  return file_->sync();
}

Result<LogPosition> LogBuilder::finish() {
  NSQ_ASSERT(file_ != nullptr);
  if (auto done = finish_segment(); !done) return done.error();
  if (auto done = files_.sync_directory(directory_); !done) return done.error();
  return LogPosition{segment_, written_, end_};
}

}  // namespace nsq::storage
