#include "storage/journal.h"

#include <xxhash.h>

#include <random>
#include <string>
#include <thread>
#include <vector>

#include "base/bytes.h"
#include "storage/storage_error.h"
#include "support/catch.h"
#include "support/memory_file_system.h"
#include "support/quiet_log.h"

using namespace nsq;
using namespace nsq::storage;
using nsq::test::MemoryFileSystem;
using nsq::test::QuietLog;
using Call = MemoryFileSystem::Call;
using Entries = std::vector<std::string>;

namespace {

const std::string kPath = "journal";
constexpr std::size_t kHeaderBytes = 24;
constexpr std::size_t kEntryHeaderBytes = 16;

class JournalFixture {
 public:
  JournalFixture() : files(std::make_unique<MemoryFileSystem>()) { reopen(); }

  void reopen() { journal = std::make_unique<Journal>(*files, kPath, 77); }
  // What a restarted program reads.
  Entries replay() {
    reopen();
    Entries entries;
    const auto result = journal->replay([&](std::string_view e) { entries.emplace_back(e); });
    REQUIRE(result);
    unreadable = *result;
    return entries;
  }
  Entries after_power_loss() {
    past.push_back(std::exchange(files, files->after_power_loss()));
    return replay();
  }

  std::vector<std::unique_ptr<MemoryFileSystem>> past;
  std::unique_ptr<MemoryFileSystem> files;
  std::unique_ptr<Journal> journal;
  std::uint64_t unreadable = 0;
};

}  // namespace

TEST_CASE("entries are replayed in order, whatever they hold", "[storage]") {
  JournalFixture fixture;
  CHECK(fixture.replay().empty());
  CHECK_FALSE(fixture.files->exists(kPath));
  const Entries entries = {"one", "", std::string(100'000, 'x'), std::string("\0\xff", 2)};
  for (const auto& entry : entries) REQUIRE(fixture.journal->append(entry));
  CHECK(fixture.journal->bytes() == fixture.files->content(kPath).size());
  CHECK(fixture.replay() == entries);
  CHECK(fixture.unreadable == 0);
  REQUIRE(fixture.journal->append("more"));
  CHECK(fixture.replay().size() == 5);
}

TEST_CASE("a journal cut at any byte keeps the entries before, and goes on behind them",
          "[storage]") {
  JournalFixture fixture;
  REQUIRE(fixture.journal->append("first"));
  REQUIRE(fixture.journal->append("second"));
  const std::string content = fixture.files->content(kPath);
  const std::size_t first_end = kHeaderBytes + kEntryHeaderBytes + 5;
  for (std::size_t size = 0; size <= content.size(); ++size) {
    INFO("cut at " << size);
    fixture.files->put(kPath, content.substr(0, size));
    Entries expected;
    if (size >= first_end) expected.push_back("first");
    if (size == content.size()) expected.push_back("second");
    CHECK(fixture.replay() == expected);
    const std::size_t sound = size < kHeaderBytes     ? 0
                              : size < first_end      ? kHeaderBytes
                              : size < content.size() ? first_end
                                                      : content.size();
    CHECK(fixture.unreadable == size - sound);
    CHECK(fixture.journal->damaged() == 0);  // but what a crash leaves
    REQUIRE(fixture.journal->append("third"));
    expected.push_back("third");
    CHECK(fixture.replay() == expected);
    CHECK(fixture.unreadable == 0);
  }
}

TEST_CASE("a damaged entry is passed over and costs no other", "[storage]") {
  JournalFixture fixture;
  for (const auto* entry : {"first", "second", "third"}) REQUIRE(fixture.journal->append(entry));
  const std::string content = fixture.files->content(kPath);
  const std::size_t begin = kHeaderBytes + kEntryHeaderBytes + 5;
  const std::size_t end = begin + kEntryHeaderBytes + 6;
  for (std::size_t byte = begin; byte < end; ++byte) {
    INFO("byte " << byte);
    fixture.files->put(kPath, content);
    fixture.files->flip_bit(kPath, byte, byte % 8);
    CHECK(fixture.replay() == Entries{"first", "third"});
    CHECK(fixture.unreadable == end - begin);
    CHECK(fixture.journal->damaged() == 1);
    REQUIRE(fixture.journal->append("fourth"));
    CHECK(fixture.replay() == Entries{"first", "third", "fourth"});
  }
}

TEST_CASE("a file with a damaged header is set aside, and a new one begun", "[storage]") {
  const QuietLog quiet;
  JournalFixture fixture;
  REQUIRE(fixture.journal->append("entry"));
  const std::string content = fixture.files->content(kPath);
  for (std::size_t byte = 0; byte < kHeaderBytes; ++byte) {
    INFO("byte " << byte);
    fixture.files->put(kPath, content);
    fixture.files->flip_bit(kPath, byte, 1);
    const std::string damaged = fixture.files->content(kPath);
    CHECK(fixture.replay().empty());
    CHECK(fixture.unreadable == content.size());
    CHECK(fixture.files->content(kPath + ".bad") == damaged);
    REQUIRE(fixture.journal->append("new"));
    CHECK(fixture.replay() == Entries{"new"});
  }
}

TEST_CASE("a newer version's journal is refused and left alone", "[storage]") {
  JournalFixture fixture;
  REQUIRE(fixture.journal->append("entry"));
  std::string content = fixture.files->content(kPath);
  store_little(content.data() + 8, std::uint32_t{2});
  store_little(content.data() + 12,
               static_cast<std::uint32_t>(XXH3_64bits_withSeed(content.data(), 12, 77)));
  fixture.files->put(kPath, content);
  fixture.reopen();
  const auto replayed = fixture.journal->replay([](std::string_view) { FAIL(); });
  REQUIRE_FALSE(replayed);
  CHECK(replayed.error() == make_error_code(StorageErrc::NewerFormat));
  CHECK(fixture.files->content(kPath) == content);
}

TEST_CASE("random bytes are no entries", "[storage]") {
  const QuietLog quiet;
  JournalFixture fixture;
  REQUIRE(fixture.journal->append("entry"));
  const std::string content = fixture.files->content(kPath);
  for (unsigned seed = 0; seed < 500; ++seed) {
    INFO("seed " << seed);
    std::mt19937 random(seed);
    std::string bytes = random() % 4 == 0 ? "" : content;
    for (std::size_t i = random() % 300; i > 0; --i) bytes += static_cast<char>(random());
    fixture.files->put(kPath, bytes);
    const Entries entries = fixture.replay();
    CHECK(entries == (bytes.starts_with(content) ? Entries{"entry"} : Entries{}));
    REQUIRE(fixture.journal->append("next"));
    CHECK(fixture.replay().back() == "next");
  }
}

TEST_CASE("rewriting leaves the state and what was appended meanwhile", "[storage]") {
  JournalFixture fixture;
  for (int i = 0; i < 100; ++i) REQUIRE(fixture.journal->append("old"));
  REQUIRE(fixture.journal->rewrite([&] {
    REQUIRE(fixture.journal->append("meanwhile"));
    return std::string("state");
  }));
  CHECK(fixture.journal->bytes() == fixture.files->content(kPath).size());
  REQUIRE(fixture.journal->append("later"));
  CHECK(fixture.replay() == Entries{"state", "meanwhile", "later"});
  REQUIRE(fixture.journal->rewrite([] { return std::string("again"); }));
  CHECK(fixture.replay() == Entries{"again"});
}

TEST_CASE("a journal can begin with a rewrite", "[storage]") {
  JournalFixture fixture;
  REQUIRE(fixture.journal->rewrite([] { return std::string("state"); }));
  REQUIRE(fixture.journal->sync());
  CHECK(fixture.after_power_loss() == Entries{"state"});
}

TEST_CASE("entries appended by others while it is rewritten are kept, in order", "[storage]") {
  JournalFixture fixture;
  constexpr int kEntries = 2000;
  std::thread appender([&] {
    for (int i = 0; i < kEntries; ++i) {
      if (!fixture.journal->append(std::to_string(i))) std::abort();
    }
  });
  for (int i = 0; i < 30; ++i) {
    CHECK(fixture.journal->rewrite([&] {
      // The state of this owner: all the entries so far.
      const std::string content = fixture.files->content(kPath);
      return "state " + std::to_string(content.size());
    }));
    CHECK(fixture.journal->sync());
  }
  appender.join();
  const Entries entries = fixture.replay();
  REQUIRE_FALSE(entries.empty());
  std::size_t at = entries.front().starts_with("state") ? 1 : 0;
  int expected = at < entries.size() ? std::stoi(entries[at]) : kEntries;
  for (; at < entries.size(); ++at, ++expected) CHECK(entries[at] == std::to_string(expected));
  CHECK(expected == kEntries);
}

TEST_CASE("entries are appended while the disk is at a sync, and are for the next one",
          "[storage]") {
  JournalFixture fixture;
  REQUIRE(fixture.journal->append("before"));
  bool once = false;
  fixture.files->set_observer([&](Call call, const std::string&) {
    if (call != Call::Sync || std::exchange(once, true)) return;
    REQUIRE(fixture.journal->append("meanwhile"));  // would wait for ever if the sync held it up
  });
  REQUIRE(fixture.journal->sync());
  REQUIRE(once);
  fixture.files->set_observer(nullptr);
  REQUIRE(fixture.journal->sync());
  CHECK(fixture.after_power_loss() == Entries{"before", "meanwhile"});
}

TEST_CASE("a sync that fails is no excuse for what was appended while it ran", "[storage]") {
  JournalFixture fixture;
  REQUIRE(fixture.journal->append("before"));
  bool once = false;
  fixture.files->set_observer([&](Call call, const std::string&) {
    if (call != Call::Sync || std::exchange(once, true)) return;
    REQUIRE(fixture.journal->append("meanwhile"));
    fixture.files->fail(Call::Sync, 1, std::errc::io_error);
  });
  CHECK_FALSE(fixture.journal->sync());
  fixture.files->set_observer(nullptr);
  REQUIRE(fixture.journal->sync());  // by a copy
  CHECK(fixture.after_power_loss() == Entries{"before", "meanwhile"});
}

TEST_CASE("what a sync has promised while a journal is rewritten lasts", "[storage]") {
  JournalFixture fixture;
  REQUIRE(fixture.journal->append("old"));
  REQUIRE(fixture.journal->sync());
  int syncs = 0;
  fixture.files->set_observer([&](Call call, const std::string& path) {
    if (call != Call::Sync || !path.ends_with(".tmp")) return;
    ++syncs;
    if (syncs == 1) {  // the state is being synced
      REQUIRE(fixture.journal->append("promised"));
      REQUIRE(fixture.journal->sync());
    } else if (syncs == 2) {  // what came meanwhile is
      REQUIRE(fixture.journal->append("later"));
    }
  });
  REQUIRE(fixture.journal->rewrite([] { return "state"; }));
  fixture.files->set_observer(nullptr);
  CHECK(syncs == 2);
  CHECK(fixture.replay() == Entries{"state", "promised", "later"});
}

TEST_CASE("a power cut right after a rewrite keeps all that a sync has promised", "[storage]") {
  JournalFixture fixture;
  REQUIRE(fixture.journal->append("old"));
  REQUIRE(fixture.journal->sync());
  bool once = false;
  fixture.files->set_observer([&](Call call, const std::string& path) {
    if (call != Call::Sync || !path.ends_with(".tmp") || std::exchange(once, true)) return;
    REQUIRE(fixture.journal->append("promised"));
    REQUIRE(fixture.journal->sync());
  });
  REQUIRE(fixture.journal->rewrite([] { return "state"; }));
  fixture.files->set_observer(nullptr);
  // Whether the new name has reached the disk, nobody knows: either file will do.
  const Entries found = fixture.after_power_loss();
  REQUIRE(found.size() == 2);
  CHECK(found.back() == "promised");
}

TEST_CASE("what was synced survives a power failure, with its name", "[storage]") {
  JournalFixture fixture;
  REQUIRE(fixture.journal->append("kept"));
  REQUIRE(fixture.journal->sync());
  REQUIRE(fixture.journal->append("lost"));
  CHECK(fixture.after_power_loss() == Entries{"kept"});
  REQUIRE(fixture.journal->append("next"));
  REQUIRE(fixture.journal->sync());
  REQUIRE(fixture.journal->rewrite([] { return std::string("state"); }));
  REQUIRE(fixture.journal->append("last"));
  REQUIRE(fixture.journal->sync());
  CHECK(fixture.after_power_loss() == Entries{"state", "last"});
}

TEST_CASE("an entry that could not be written is not there, and the next one is", "[storage]") {
  JournalFixture fixture;
  REQUIRE(fixture.journal->append("before"));
  for (const std::uint64_t spare : {0U, 1U, 15U, 16U, 20U}) {
    fixture.files->set_capacity(fixture.files->used_bytes() + spare);
    CHECK_FALSE(fixture.journal->append("this does not fit there"));
    fixture.files->set_capacity(std::nullopt);
  }
  // Even one of which every byte was written.
  fixture.files->set_observer([&](Call call, const std::string&) {
    if (call == Call::Truncate) fixture.files->set_capacity(std::nullopt);
  });
  fixture.files->fail(Call::Write, 1, std::errc::io_error);
  CHECK_FALSE(fixture.journal->append("x"));
  REQUIRE(fixture.journal->append("behind"));
  CHECK(fixture.replay() == Entries{"before", "behind"});
  CHECK(fixture.unreadable == 0);
}

TEST_CASE("a journal that cannot be begun is begun later", "[storage]") {
  JournalFixture fixture;
  for (const Call call : {Call::Open, Call::Write, Call::Truncate}) {
    fixture.files->fail(call, 1, std::errc::no_space_on_device);
    CHECK_FALSE(fixture.journal->append("refused"));
  }
  REQUIRE(fixture.journal->append("taken"));
  CHECK(fixture.replay() == Entries{"taken"});
}

TEST_CASE("a rewrite that fails leaves the journal as it was", "[storage]") {
  JournalFixture fixture;
  REQUIRE(fixture.journal->append("before"));
  for (const Call call : {Call::Open, Call::Truncate, Call::Write, Call::Sync, Call::Rename}) {
    INFO("call " << static_cast<int>(call));
    fixture.files->fail(call, 1, std::errc::io_error);
    CHECK_FALSE(fixture.journal->rewrite([] { return std::string(10'000, 's'); }));
    fixture.files->stop_failing();
    CHECK(fixture.files->list(".")->size() == 1);
  }
  // While writing what came meanwhile.
  const auto meanwhile = [&] {
    REQUIRE(fixture.journal->append("meanwhile"));
    fixture.files->fail(Call::Write, 2, std::errc::io_error);
    return std::string("state");
  };
  CHECK_FALSE(fixture.journal->rewrite(meanwhile));
  REQUIRE(fixture.journal->append("behind"));
  CHECK(fixture.replay() == Entries{"before", "meanwhile", "behind"});
}

TEST_CASE("after a failed sync of a journal none succeeds before another file holds it",
          "[storage]") {
  JournalFixture fixture;
  REQUIRE(fixture.journal->append("one"));
  fixture.files->fail(Call::Sync, 1, std::errc::io_error);
  CHECK_FALSE(fixture.journal->sync());
  REQUIRE(fixture.journal->append("two"));
  SECTION("a copy") {
    for (const Call call : {Call::Read, Call::Open, Call::Write, Call::Sync, Call::Rename}) {
      fixture.files->fail(call, 1, std::errc::io_error);
      CHECK_FALSE(fixture.journal->sync());
    }
    CHECK(fixture.journal->sync());
    CHECK(fixture.after_power_loss() == Entries{"one", "two"});
  }
  SECTION("a rewrite") {
    REQUIRE(fixture.journal->rewrite([] { return std::string("both"); }));
    CHECK(fixture.journal->sync());
    CHECK(fixture.after_power_loss() == Entries{"both"});
  }
  SECTION("what was lost is not copied") {
    fixture.files->flip_bit(kPath, 45, 1);
    const auto synced = fixture.journal->sync();
    REQUIRE_FALSE(synced);
    CHECK(synced.error() == make_error_code(StorageErrc::Damaged));
    CHECK_FALSE(fixture.journal->sync());
    REQUIRE(fixture.journal->rewrite([] { return std::string("both"); }));
    CHECK(fixture.journal->sync());
  }
}

TEST_CASE("what an earlier process appended and did not sync is synced with the first sync",
          "[storage]") {
  JournalFixture fixture;
  REQUIRE(fixture.journal->append("entry"));
  fixture.past.push_back(std::exchange(fixture.files, fixture.files->after_kill()));
  CHECK(fixture.replay() == Entries{"entry"});
  REQUIRE(fixture.journal->sync());
  CHECK(fixture.after_power_loss() == Entries{"entry"});
}
