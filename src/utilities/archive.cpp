#include "utilities/archive.h"

#include <fmt/format.h>

#include <cerrno>
#include <filesystem>
#include <utility>

#include "base/duration_text.h"
#include "base/log.h"

namespace nsq::utilities {
namespace {

constexpr std::size_t kWriteBytes = std::size_t{256} << 10;

}  // namespace

bool is_lack_of_room(const Error& error) {
  return error.code() == std::errc::no_space_on_device ||
         error.code() == std::error_code(EDQUOT, std::generic_category());
}

Archive::Archive(std::string subject, ArchiveOptions options, FileNames names, ArchiveDisk& disk)
    : subject_(std::move(subject)),
      options_(std::move(options)),
      names_(std::move(names)),
      disk_(disk),
      gzip_(options_.gzip ? std::make_unique<GzipEncoder>(options_.gzip_level) : nullptr) {}

const std::string& Archive::work_dir() const {
  return options_.is_moved() ? options_.work_dir : options_.output_dir;
}

std::string Archive::in_directory(const std::string& directory, const std::string& name,
                                  std::uint64_t revision) const {
  return std::filesystem::path(directory) /
         std::filesystem::path(FileNames::with_revision(name, revision)).relative_path();
}

const std::string& Archive::current_name(Moment now) {
  if (now.wall.seconds() != expanded_second_) {
    expanded_second_ = now.wall.seconds();
    expanded_ = names_.at(now.wall);
  }
  return expanded_;
}

// --- which file ---------------------------------------------------------------------------------

bool Archive::is_due(Moment now) {
  if (!file_) return true;
  if (const std::string& name = current_name(now); name != name_) {
    log::info("{} new filename {}, rotating...", subject_, name);
    return true;
  }
  const Duration age = now.steady - opened_at_;
  if (options_.rotate_interval > Duration::zero() && age > options_.rotate_interval) {
    log::info("{} {} since last open, rotating...", subject_, duration_text(age));
    return true;
  }
  if (options_.rotate_size > 0 && std::cmp_greater(text_bytes_, options_.rotate_size)) {
    log::info("{} {} currently {} bytes (> {}), rotating...", subject_, path_, text_bytes_,
              options_.rotate_size);
    return true;
  }
  return false;
}

Result<void> Archive::open_next(Moment now) {
  const std::string name = current_name(now);
  // A failed attempt leaves the number as it is, to be tried again.
  const std::uint64_t before = revision_;
  revision_ = name == name_ ? revision_ + 1 : 0;
  while (true) {
    auto opened = try_open(name);
    if (!opened) {
      revision_ = before;
      return opened.error();
    }
    if (*opened) break;
    ++revision_;
  }
  name_ = name;
  opened_at_ = now.steady;
  log::info("{} opening {}", subject_, path_);
  return {};
}

// False: this revision is not to be used.
Result<bool> Archive::try_open(const std::string& name) {
  const std::string path = in_directory(work_dir(), name, revision_);
  if (auto made = disk_.make_directories_for(path); !made) return made.error();
  if (options_.is_moved()) {
    const std::string output = in_directory(options_.output_dir, name, revision_);
    const auto is_taken = disk_.exists(output);
    if (!is_taken) return is_taken.error();
    if (*is_taken) {
      log::warning("{} output file already exists: {}", subject_, output);
      return false;
    }
  }
  // Neither what another process compresses nor what it began at another time is continued.
  const bool is_fresh = options_.gzip || options_.rotate_interval > Duration::zero();
  auto opened = disk_.open(path, is_fresh ? Opening::Fresh : Opening::Append);
  if (!opened && opened.error().code() == std::errc::file_exists) {
    log::warning("{} working file already exists: {}", subject_, path);
    return false;
  }
  if (!opened) return opened.error();
  const auto size = (*opened)->size();
  if (!size) return size.error();
  if (options_.rotate_size > 0 && std::cmp_greater(*size, options_.rotate_size)) {
    log::info("{} {} currently {} bytes (> {}), rotating...", subject_, path, *size,
              options_.rotate_size);
    return false;
  }
  file_ = std::move(*opened);
  path_ = path;
  written_bytes_ = synced_bytes_ = text_bytes_ = synced_text_bytes_ = *size;
  // Somebody was interrupted in the middle of a line, which is not to grow together with ours.
  if (!gzip_ && !file_->ends_in_newline()) buffer_.assign(1, '\n');
  return true;
}

// --- records ------------------------------------------------------------------------------------

Result<bool> Archive::append(std::string_view record, Moment now) {
  const bool is_new = is_due(now);
  if (is_new) {
    if (auto closed = close(); !closed) return closed.error();
    if (auto opened = open_next(now); !opened) return opened.error();
  }
  if (gzip_) {
    gzip_->add(record, buffer_);
    gzip_->add("\n", buffer_);
    is_in_member_ = true;
  } else {
    buffer_.append(record).append("\n");
  }
  text_bytes_ += record.size() + 1;
  ++appended_;
  if (buffer_.size() >= kWriteBytes) {
    if (auto written = write(); !written) return written.error();
  }
  return is_new;
}

Result<void> Archive::write() {
  if (!file_ || buffer_.empty()) return {};
  if (auto written = file_->write(buffer_); !written) return written;
  written_bytes_ += buffer_.size();
  buffer_.clear();
  return {};
}

Result<void> Archive::sync() {
  if (!file_ || (synced_ == appended_ && buffer_.empty() && written_bytes_ == synced_bytes_)) {
    return {};
  }
  if (std::exchange(is_in_member_, false)) gzip_->end_member(buffer_);
  if (auto written = write(); !written) return written;
  if (auto synced = file_->sync(); !synced) return synced;
  synced_ = appended_;
  synced_bytes_ = written_bytes_;
  synced_text_bytes_ = text_bytes_;
  return {};
}

void Archive::discard_unsynced() {
  const std::uint64_t at_most = written_bytes_ + buffer_.size();
  appended_ = synced_;
  buffer_.clear();
  if (gzip_) gzip_->reset();
  is_in_member_ = false;
  if (!file_) return;
  text_bytes_ = synced_text_bytes_;
  written_bytes_ = synced_bytes_;
  const auto cut = file_->cut(synced_bytes_, at_most);
  if (cut) return;
  // What is left of a record there is told apart by opening the file again: by a line's end, or,
  // where that is not enough, by the next number.
  log::warning("{} {}", subject_, cut.error().to_string());
  file_.reset();
  if (options_.is_moved()) finished_.push_back({path_, name_, revision_});
}

Result<void> Archive::tick(Moment now) {
  if (auto moved = move_finished(); !moved) return moved;
  if (options_.skip_empty_files && !file_) return {};
  if (!is_due(now)) return {};
  if (auto closed = close(); !closed) return closed;
  return options_.skip_empty_files ? Result<void>() : open_next(now);
}

// --- the end of a file
// ----------------------------------------------------------------------------

Result<void> Archive::close() {
  if (file_) {
    if (auto ended = end_file(); !ended) return ended;
  }
  return move_finished();
}

Result<void> Archive::end_file() {
  if (auto synced = sync(); !synced) return synced;
  // An empty file is no gzip file.
  if (gzip_ && written_bytes_ == 0) {
    gzip_->end_member(buffer_);
    if (auto synced = sync(); !synced) return synced;
  }
  file_.reset();
  if (options_.is_moved()) finished_.push_back({path_, name_, revision_});
  return {};
}

// A move that lacks room is tried again later: the records are safe where they are.
Result<void> Archive::move_finished() {
  while (!finished_.empty()) {
    const auto moved = move(finished_.front());
    if (!moved && is_lack_of_room(moved.error())) {
      log::error("{} {}; it is tried again", subject_, moved.error().to_string());
      return {};
    }
    if (!moved) return moved;
    finished_.erase(finished_.begin());
  }
  return {};
}

Result<void> Archive::move(const Finished& file) {
  const std::string wanted = in_directory(options_.output_dir, file.name, file.revision);
  if (auto made = disk_.make_directories_for(wanted); !made) return made;
  log::info("{} moving finished file {} to {}", subject_, file.path, wanted);
  std::string to = wanted;
  for (std::uint64_t revision = file.revision;;) {
    const auto moved = disk_.move(file.path, to);
    if (moved) break;
    if (moved.error().code() != std::errc::file_exists) return moved;
    log::warning("{} destination file already exists: {}", subject_, to);
    to = in_directory(options_.output_dir, file.name, ++revision);
  }
  if (to != wanted) {
    log::info("{} renamed finished file {} to {} to avoid overwrite", subject_, file.path, to);
  }
  return {};
}

}  // namespace nsq::utilities
