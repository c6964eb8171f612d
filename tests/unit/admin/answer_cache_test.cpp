#include "admin/answer_cache.h"

#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <asio/experimental/as_tuple.hpp>
#include <asio/use_awaitable.hpp>
#include <stdexcept>

#include "support/catch.h"

using namespace nsq::admin;
using namespace std::chrono_literals;

namespace {

using Gate = asio::basic_waitable_timer<std::chrono::steady_clock>;

// A cache, and work that ends when the test lets it.
class CacheFixture {
 public:
  explicit CacheFixture(nsq::Duration lifetime = 1h) : cache(loop, lifetime) {}
  ~CacheFixture() {
    open();
    cache.forget_all();
  }

  void ask(const std::string& key = "k") {
    asio::co_spawn(loop, asking(key), asio::detached);
    poll();
  }
  void open() {
    gate.cancel();
    poll();
  }
  void poll() {
    loop.restart();
    loop.poll();
  }

  asio::io_context loop;
  Gate gate{loop, Gate::time_point::max()};
  AnswerCache cache;
  int begun = 0;
  bool fails = false;
  std::vector<std::string> answers;

 private:
  asio::awaitable<void> asking(std::string key) {
    try {
      const AnswerCache::Work work = [this] { return answer(); };
      const auto found = co_await cache.get(key, work);
      answers.push_back(found->body);
    } catch (const std::runtime_error&) {
      answers.push_back("failed");
    }
  }
  asio::awaitable<Answer> answer() {
    const int number = ++begun;
    co_await gate.async_wait(asio::experimental::as_tuple(asio::use_awaitable));
    if (fails && number == 1) throw std::runtime_error("no");
    co_return Answer{200, std::to_string(number)};
  }
};

using Answers = std::vector<std::string>;

}  // namespace

TEST_CASE("those who ask for the same at the same time share one answer", "[admin]") {
  CacheFixture fixture;
  for (int i = 0; i < 10; ++i) fixture.ask();
  CHECK(fixture.begun == 1);
  fixture.open();
  CHECK(fixture.answers == Answers(10, "1"));
  fixture.ask();
  CHECK(fixture.begun == 1);
  CHECK(fixture.answers.size() == 11);
}

TEST_CASE("what is asked differently is answered by itself", "[admin]") {
  CacheFixture fixture;
  fixture.ask("a");
  fixture.ask("b");
  CHECK(fixture.begun == 2);
}

TEST_CASE("an answer whose time is over is asked for again", "[admin]") {
  CacheFixture fixture(nsq::Duration::zero());
  fixture.ask();
  fixture.open();
  fixture.ask();
  CHECK(fixture.begun == 2);
}

TEST_CASE("after a change nobody gets what was asked before it", "[admin]") {
  CacheFixture fixture;
  fixture.ask();
  fixture.cache.forget_all();
  fixture.ask();
  CHECK(fixture.begun == 2);
  fixture.open();
  fixture.ask();
  CHECK(fixture.answers == Answers{"1", "2", "2"});
}

TEST_CASE("a failure is its own asker's, and the next one asks again", "[admin]") {
  CacheFixture fixture;
  fixture.fails = true;
  fixture.ask();
  fixture.ask();
  fixture.open();
  fixture.open();
  CHECK(fixture.begun == 2);
  CHECK(fixture.answers == Answers{"failed", "2"});
}
