#include "storage/segment_scan.h"

#include "storage/record_stream.h"

namespace nsq::storage {
namespace {

class Scan {
 public:
  explicit Scan(const ScanRange& range)
      : settled_(range.settled), next_(range.indexes.begin), accepted_end_(range.indexes.begin) {
    result_.sound_bytes = range.offset;
  }

  // One behind the last record seen, be it accepted or not.
  Index next() const { return next_; }

  void take(const RecordStream::Item& item) {
    const Record& record = item.record;
    if (item.behind_damage) ++result_.damaged;
    const bool settled = record.index < settled_;
    const bool follows = open_ && !item.behind_damage && record.index == next_;
    next_ = record.index + 1;
    if (settled || !record.in_batch) {
      if (open_) stray_ = true;  // the end of the batch before is missing
      begin_batch(item.offset);
    } else if (!follows) {  // the beginning of this one is missing
      stray_ = true;
      open_ = false;
      return;
    }
    ++batch_records_;
    if (record.due != Timestamp{}) batch_deferred_.emplace_back(record.index, record.due);
    if (settled || !record.batch_goes_on) accept(item.end);
  }

  ScanResult finish() { return std::move(result_); }

 private:
  void begin_batch(std::uint64_t offset) {
    open_ = true;
    batch_begin_ = offset;
    batch_first_ = next_ - 1;
    batch_records_ = 0;
    batch_deferred_.clear();
  }

  void accept(std::uint64_t end) {
    if (stray_) result_.leftovers.push_back({result_.sound_bytes, batch_begin_});
    stray_ = false;
    open_ = false;
    if (batch_first_ > accepted_end_) result_.gaps.push_back({accepted_end_, batch_first_});
    accepted_end_ = next_;
    result_.sound_bytes = end;
    result_.end = next_;
    result_.records += batch_records_;
    result_.deferred.insert(result_.deferred.end(), batch_deferred_.begin(), batch_deferred_.end());
  }

  const Index settled_;
  Index next_;
  Index accepted_end_;
  ScanResult result_;
  bool stray_ = false;  // there are records of incomplete batches behind the last accepted one

  // The batch that is being read.
  bool open_ = false;
  std::uint64_t batch_begin_ = 0;
  Index batch_first_ = 0;
  std::uint64_t batch_records_ = 0;
  std::vector<std::pair<Index, Timestamp>> batch_deferred_;
};

}  // namespace

Result<ScanResult> scan_segment(File& file, const LogIdentity& identity, const ScanRange& range) {
  Scan scan(range);
  RecordStream records(file, identity, range.offset, range.size);
  while (true) {
    auto item = records.next({scan.next(), range.indexes.end});
    if (!item) return item.error();
    if (!*item) return scan.finish();
    scan.take(**item);
  }
}

}  // namespace nsq::storage
