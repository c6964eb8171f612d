#include "admin/answer_cache.h"

#include <asio/experimental/as_tuple.hpp>
#include <asio/use_awaitable.hpp>
#include <utility>

namespace nsq::admin {
namespace {

constexpr auto kUseTuple = asio::experimental::as_tuple(asio::use_awaitable);
// Above this, what is being found is not shared.
constexpr std::size_t kMaxEntries = 1024;

// Wakes those who wait, and forgets the entry if nothing came of it.
class Finding {
 public:
  Finding(std::function<void()> on_end) : on_end_(std::move(on_end)) {}
  ~Finding() { on_end_(); }
  Finding(const Finding&) = delete;
  Finding& operator=(const Finding&) = delete;

 private:
  std::function<void()> on_end_;
};

}  // namespace

asio::awaitable<AnswerCache::Shared> AnswerCache::get(std::string key, Work work) {
  drop_expired();
  // A bounded number of turns: each waits for another's attempt that failed.
  while (true) {
    const auto found = entries_.find(key);
    if (found == entries_.end()) break;
    const std::shared_ptr<Entry> entry = found->second;
    if (!entry->answer) co_await entry->ready->async_wait(kUseTuple);
    if (entry->answer) {
      ++hits_;
      co_return entry->answer;
    }
  }
  ++misses_;
  if (entries_.size() >= kMaxEntries) co_return std::make_shared<Answer>(co_await work());

  const auto entry = std::make_shared<Entry>();
  entry->ready = std::make_shared<Timer>(loop_, Timer::time_point::max());
  entries_[key] = entry;
  const Finding finding([this, key, entry] {
    entry->ready->cancel();
    if (entry->answer) return;
    const auto mine = entries_.find(key);
    if (mine != entries_.end() && mine->second == entry) entries_.erase(mine);
  });
  auto answer = co_await work();
  entry->answer = std::make_shared<const Answer>(std::move(answer));
  entry->expires = Instant::now() + lifetime_;
  co_return entry->answer;
}

void AnswerCache::forget_all() {
  entries_.clear();
}

void AnswerCache::drop_expired() {
  const Instant now = Instant::now();
  std::erase_if(entries_, [now](const auto& each) {
    return each.second->answer && each.second->expires <= now;
  });
}

}  // namespace nsq::admin
