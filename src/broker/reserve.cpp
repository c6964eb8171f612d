#include "broker/reserve.h"

#include <cerrno>

#include "base/log.h"

namespace nsq::broker {
namespace {

constexpr Duration kRetry = std::chrono::seconds(1);
constexpr std::size_t kPieceBytes = 1 << 20;

}  // namespace

Reserve::Reserve(std::string path, std::uint64_t bytes, const Home& home)
    : path_(std::move(path)), bytes_(bytes), home_(home) {}

bool Reserve::is_full(const Error& error) {
  return error.code() == std::errc::no_space_on_device ||
         error.code() == std::error_code(EDQUOT, std::system_category());
}

bool Reserve::held() const {
  Lock lock(mutex_);
  return held_;
}

Error Reserve::refusal() const {
  Lock lock(mutex_);
  return refusal_;
}

// As much room again must be free beside it, or the next message would find the disk full.
Result<void> Reserve::take_room() {
  auto opened = home_.files.open(path_, storage::FileSystem::Mode::Create);
  if (!opened) return opened.error();
  storage::File& file = **opened;
  auto size = file.size();
  if (!size) return size.error();
  if (*size == bytes_) return {};
  const std::string zeros(std::min<std::uint64_t>(kPieceBytes, bytes_), '\0');
  Result<void> done;
  for (std::uint64_t at = 0; done && at < 2 * bytes_; at += zeros.size()) {
    const std::string_view piece = zeros;
    done = file.write_at(std::span(&piece, 1), at);
  }
  if (done) done = file.truncate(bytes_);
  if (done) return done;
  [[maybe_unused]] const auto given_back = file.truncate(0);
  return done;
}

void Reserve::hold(Moment now) {
  if (bytes_ == 0) return;
  Lock working(file_mutex_);
  const Result<void> taken = take_room();
  bool changed = false;
  {
    Lock lock(mutex_);
    changed = held_ != taken.ok();
    held_ = taken.ok();
    if (!taken) refusal_ = taken.error();
  }
  if (taken) {
    if (changed) log::info("there is room on the disk again: messages are taken");
    if (changed) home_.health.report({});
    return;
  }
  if (changed) {
    log::error("no room to keep back on the disk, messages are refused: {}",
               taken.error().to_string());
  }
  home_.health.report(taken);
  home_.schedule.arm(shared_from_this(), now.steady + kRetry);
}

bool Reserve::give_up(const Error& error, Moment now) {
  if (bytes_ == 0 || !is_full(error)) return false;
  Lock working(file_mutex_);
  {
    Lock lock(mutex_);
    if (!held_) return false;
    held_ = false;
    refusal_ = error;
  }
  log::error("the disk is full, messages are refused until there is room: {}", error.to_string());
  home_.health.report(error);
  home_.schedule.arm(shared_from_this(), now.steady + kRetry);
  auto opened = home_.files.open(path_, storage::FileSystem::Mode::Write);
  return opened && (*opened)->truncate(0).ok();
}

Instant Reserve::advance(Moment now) {
  home_.work.submit(storage::WorkQueue::Lane::Background,
                    [self = shared_from_this(), now] { self->hold(now); });
  return Instant::never();
}

}  // namespace nsq::broker
