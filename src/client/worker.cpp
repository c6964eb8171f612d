#include "client/worker.h"

#include <algorithm>
#include <exception>
#include <limits>

namespace nsq::client {
namespace {

// A slice should take about so long: little enough to spread the messages of a batch over the
// workers, much against the cost of taking one.
constexpr Duration kSliceTime = std::chrono::microseconds(200);
constexpr std::uint32_t kMaxSlice = 512;

}  // namespace

void Worker::run() {
  const bool takes_all = static_cast<bool>(pool_.setup_.batch_handler);
  Slice slice;
  while (true) {
    slice = pool_.next(number_, std::move(slice),
                       takes_all ? std::numeric_limits<std::uint32_t>::max() : wanted_);
    if (!slice.batch) break;
    const std::size_t count = slice.end - slice.begin;
    failures_ = 0;
    const Instant begin = Instant::now();
    handle(slice);
    const Duration time = Instant::now() - begin;
    pace(count, time);
    if (pool_.setup_.on_handled) pool_.setup_.on_handled(count, failures_, time);
  }
  pool_.worker_ended();
}

// Grows step by step, because the first messages may say little about those that follow, and
// shrinks at once.
void Worker::pace(std::size_t messages, Duration time) {
  const Duration each = std::max(time / static_cast<std::int64_t>(messages), Duration(1));
  const auto fitting = std::clamp<std::int64_t>(kSliceTime / each, 1, kMaxSlice);
  wanted_ = std::min(static_cast<std::uint32_t>(fitting), 2 * wanted_);
}

void Worker::handle(const Slice& slice) {
  if (pool_.setup_.batch_handler) return handle_together(slice);
  for (std::uint32_t i = slice.begin; i < slice.end; ++i) handle_one(*slice.batch, i);
}

bool Worker::has_too_many_attempts(const Batch& batch, std::uint32_t index) const {
  const std::int64_t limit = pool_.setup_.max_attempts;
  return limit > 0 && attempts_of(const_cast<Batch&>(batch)[index]) > limit;
}

void Worker::handle_one(Batch& batch, std::uint32_t index) {
  if (has_too_many_attempts(batch, index)) return give_up(batch, index);
  Message message(&batch, index);
  try {
    const Result<void> result = pool_.setup_.handler(message);
    if (!result) return fail(batch, index, result.error().context());
  } catch (const std::exception& thrown) {
    return fail(batch, index, thrown.what());
  } catch (...) {
    return fail(batch, index, "an exception of an unknown type");
  }
  if (!message.is_auto_response_disabled()) message.finish();
}

void Worker::handle_together(const Slice& slice) {
  messages_.clear();
  messages_.reserve(slice.end - slice.begin);
  for (std::uint32_t i = slice.begin; i < slice.end; ++i) {
    if (has_too_many_attempts(*slice.batch, i)) {
      give_up(*slice.batch, i);
    } else {
      messages_.push_back(Message(slice.batch.get(), i));
    }
  }
  if (messages_.empty()) return;
  std::string failure;
  bool failed = true;
  try {
    pool_.setup_.batch_handler(messages_);
    failed = false;
  } catch (const std::exception& thrown) {
    failure = thrown.what();
  } catch (...) {
    failure = "an exception of an unknown type";
  }
  for (Message& message : messages_) {
    if (failed) {
      fail(*message.batch_, message.index_, failure);
    } else if (!message.is_auto_response_disabled()) {
      message.finish();
    }
  }
  messages_.clear();
}

void Worker::fail(Batch& batch, std::uint32_t index, std::string_view reason) {
  Message message(&batch, index);
  ++failures_;
  pool_.setup_.log->error("Handler returned error ({}) for msg {}", reason, message.id());
  if (!message.is_auto_response_disabled()) message.requeue();
}

void Worker::give_up(Batch& batch, std::uint32_t index) {
  Message message(&batch, index);
  pool_.setup_.log->warning("msg {} attempted {} times, giving up", message.id(),
                            message.attempts());
  bool finish = true;
  try {
    if (pool_.setup_.on_giving_up) finish = pool_.setup_.on_giving_up(message);
  } catch (const std::exception& thrown) {
    return fail(batch, index, thrown.what());
  } catch (...) {
    return fail(batch, index, "an exception of an unknown type");
  }
  if (!finish) {
    message.requeue();
  } else if (message.finish()) {
    pool_.given_up_.fetch_add(1, std::memory_order_relaxed);
  }
}

}  // namespace nsq::client
