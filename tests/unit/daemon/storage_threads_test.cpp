#include "daemon/storage_threads.h"

#include <algorithm>
#include <atomic>
#include <future>
#include <vector>

#include "support/catch.h"

using nsq::daemon::StorageThreads;
using Lane = nsq::storage::WorkQueue::Lane;

TEST_CASE("work of one lane is done in order", "[daemon]") {
  StorageThreads threads;
  std::vector<int> done;
  for (int i = 0; i < 100; ++i) threads.submit(Lane::Journal, [&done, i] { done.push_back(i); });
  threads.drain();
  REQUIRE(done.size() == 100);
  CHECK(std::is_sorted(done.begin(), done.end()));
}

TEST_CASE("one lane does not wait for another", "[daemon]") {
  StorageThreads threads;
  std::promise<void> read;
  threads.submit(Lane::Sync, [&read] { read.get_future().wait(); });
  threads.submit(Lane::Read, [&read] { read.set_value(); });
  threads.drain();
}

TEST_CASE("draining waits for work that work brings about", "[daemon]") {
  StorageThreads threads;
  std::atomic<int> done = 0;
  threads.submit(Lane::Background, [&] {
    threads.submit(Lane::Journal, [&] { threads.submit(Lane::Sync, [&] { ++done; }); });
  });
  threads.drain();
  CHECK(done == 1);
}

TEST_CASE("what comes after the end is not done", "[daemon]") {
  StorageThreads threads;
  std::atomic<int> done = 0;
  threads.submit(Lane::Read, [&] { ++done; });
  threads.finish();
  threads.submit(Lane::Read, [&] { ++done; });
  CHECK(done == 1);
}
