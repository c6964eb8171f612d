#pragma once

#include <cerrno>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "utilities/archive_disk.h"

namespace nsq::test {

// Real files on a disk that a test lets fill up, or break.
class FailingDisk final : public utilities::ArchiveDisk {
 public:
  // Bytes that still fit; a write that does not fit leaves what does.
  std::optional<std::uint64_t> room;
  int sync_error = 0;  // what syncs fail with
  int move_error = 0;
  bool refuses_to_cut = false;
  std::uint64_t write_count = 0;
  std::uint64_t sync_count = 0;

  Result<void> make_directories_for(const std::string& path) override {
    return real_->make_directories_for(path);
  }
  Result<std::unique_ptr<utilities::ArchiveFile>> open(const std::string& path,
                                                       utilities::Opening opening) override {
    auto opened = real_->open(path, opening);
    if (!opened) return opened.error();
    return std::unique_ptr<utilities::ArchiveFile>(
        std::make_unique<File>(*this, std::move(*opened)));
  }
  Result<bool> exists(const std::string& path) override { return real_->exists(path); }
  Result<void> move(const std::string& from, const std::string& to) override {
    if (move_error != 0) return failure(move_error, "link");
    return real_->move(from, to);
  }

 private:
  static Error failure(int error, std::string what) {
    return Error(std::error_code(error, std::generic_category()), std::move(what));
  }

  class File final : public utilities::ArchiveFile {
   public:
    File(FailingDisk& disk, std::unique_ptr<utilities::ArchiveFile> real)
        : disk_(disk), real_(std::move(real)) {}

    Result<void> write(std::string_view bytes) override {
      ++disk_.write_count;
      if (disk_.room && bytes.size() > *disk_.room) {
        auto written = real_->write(bytes.substr(0, *disk_.room));
        disk_.room = 0;
        return written ? failure(ENOSPC, "write") : written;
      }
      if (disk_.room) *disk_.room -= bytes.size();
      return real_->write(bytes);
    }
    Result<void> sync() override {
      ++disk_.sync_count;
      return disk_.sync_error != 0 ? failure(disk_.sync_error, "fsync") : real_->sync();
    }
    Result<std::uint64_t> size() override { return real_->size(); }
    bool ends_in_newline() override { return real_->ends_in_newline(); }
    Result<void> cut(std::uint64_t size, std::uint64_t at_most) override {
      return disk_.refuses_to_cut ? failure(EBUSY, "truncate") : real_->cut(size, at_most);
    }

   private:
    FailingDisk& disk_;
    const std::unique_ptr<utilities::ArchiveFile> real_;
  };

  const std::unique_ptr<utilities::ArchiveDisk> real_ = utilities::make_real_disk();
};

}  // namespace nsq::test
