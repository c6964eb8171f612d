#include "storage/segment_copy.h"

#include <algorithm>

namespace nsq::storage {
namespace {

constexpr std::size_t kPieceBytes = 512 << 10;

// A file that is written from its start on, in pieces.
class Writer {
 public:
  Writer(std::unique_ptr<File> file, const SegmentHeader& header)
      : file_(std::move(file)), identity_(header.identity), buffer_(kSegmentHeaderBytes, '\0') {
    encode_segment_header(buffer_.data(), identity_, true);
  }

  Result<void> add(Record record) {
    // A batch that is incomplete was removed before; what is left of others stands for itself.
    record.batch_goes_on = record.in_batch = false;
    const std::size_t start = buffer_.size();
    buffer_.resize(start + encoded_bytes(record, identity_.node_id));
    encode_record(buffer_.data() + start, record, identity_);
    return buffer_.size() < kPieceBytes ? Result<void>() : flush();
  }

  Result<void> finish() {
    if (auto done = flush(); !done) return done;
    return file_->sync();
  }

  std::uint64_t bytes() const { return written_ + buffer_.size(); }

 private:
  Result<void> flush() {
    const std::string_view bytes = buffer_;
    auto done = file_->write_at(std::span(&bytes, 1), written_);
    written_ += buffer_.size();
    buffer_.clear();
    return done;
  }

  std::unique_ptr<File> file_;
  const LogIdentity identity_;
  std::string buffer_;
  std::uint64_t written_ = 0;
};

Result<SegmentCopy> copy_records(Segment& from, Segment::Extent extent, const IntervalSet& keep,
                                 Writer& writer) {
  SegmentCopy copy;
  for (Index next = keep.next_present(from.first()); next < extent.end;) {
    auto chunk = from.read(next, kPieceBytes, extent, copy.damaged);
    if (!chunk) return chunk.error();
    const Index behind = (*chunk)->end();
    while (next < behind) {
      const auto record = (*chunk)->find(next);
      if (!record) {  // perhaps a wide gap
        next = std::max((*chunk)->next_present(next), next + 1);
        next = keep.next_present(next);
        continue;
      }
      if (auto done = writer.add(*record); !done) return done.error();
      ++copy.records;
      next = keep.next_present(next + 1);
    }
  }
  if (auto done = writer.finish(); !done) return done.error();
  copy.bytes = writer.bytes();
  return copy;
}

}  // namespace

Result<SegmentCopy> copy_segment(FileSystem& files, Segment& from, Segment::Extent extent,
                                 const IntervalSet& keep, const std::string& to) {
  auto opened = files.open(to, FileSystem::Mode::Create);
  if (!opened) return opened.error();
  Result<SegmentCopy> copy = SegmentCopy{};
  if (auto emptied = (*opened)->truncate(0); !emptied) {
    copy = emptied.error();
  } else {
    Writer writer(std::move(opened.value()), {kFormatVersion, from.identity(), true});
    copy = copy_records(from, extent, keep, writer);
  }
  if (!copy) [[maybe_unused]]
    const auto removed = files.remove(to);
  return copy;
}

}  // namespace nsq::storage
