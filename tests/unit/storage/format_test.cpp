// docs/log_format.md shows files byte by byte. These are read from the page and compared with what
// the code writes, and reads.
#include <charconv>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "storage/journal.h"
#include "storage/message_log.h"
#include "support/catch.h"
#include "support/log_fixture.h"

using namespace nsq;
using namespace nsq::storage;
using nsq::test::LogFixture;

namespace {

constexpr std::uint64_t kSeed = 0x0123456789abcdef;
constexpr Timestamp kTime{1'700'000'000'000'000'000};
constexpr Timestamp kDue{1'700'000'060'000'000'000};

// The n-th file on the page: lines of an offset and up to 16 bytes in hex, which begin at 0000.
std::string shown_file(std::size_t number) {
  std::ifstream page(NSQ_DOCS_DIRECTORY "/log_format.md");
  REQUIRE(page);
  std::vector<std::string> files;
  for (std::string line; std::getline(page, line);) {
    if (line.size() < 10 || !line.starts_with("    0") || line.substr(8, 2) != "  ") continue;
    if (line.starts_with("    0000  ")) files.emplace_back();
    std::istringstream words(line.substr(10, 48));
    for (std::string word; words >> word;) {
      files.back() += static_cast<char>(std::stoi(word, nullptr, 16));
    }
  }
  REQUIRE(files.size() > number);
  return files[number];
}

LogOptions shown_options() {
  LogOptions options;
  options.identity = {kSeed, 5};
  options.first = 1000;
  return options;
}

}  // namespace

TEST_CASE("a segment is written as its page shows it", "[storage]") {
  LogFixture fixture(shown_options());
  const auto append = [&](std::vector<std::string_view> bodies, Timestamp due = {}) {
    fixture.log->append(bodies, kTime, due);
  };
  append({"hello"});
  append({"one", "two"});
  append({"later"}, kDue);
  REQUIRE(fixture.write_all());
  CHECK(fixture.files->content(LogFixture::kDirectory + "/00000000000000001000.log") ==
        shown_file(0));
}

TEST_CASE("the segment its page shows is read", "[storage]") {
  LogFixture fixture;
  REQUIRE(fixture.files->create_directory(LogFixture::kDirectory));
  fixture.files->put(LogFixture::kDirectory + "/00000000000000001000.log", shown_file(0));
  const auto recovered = fixture.reopen();
  REQUIRE(recovered);
  CHECK(recovered->end == 1004);
  CHECK(recovered->deferred == std::vector<std::pair<Index, Timestamp>>{{1003, kDue}});
  CHECK(fixture.read_all(1000) ==
        test::Bodies{{1000, "hello"}, {1001, "one"}, {1002, "two"}, {1003, "later"}});
  const auto chunk = fixture.log->read(1000);
  REQUIRE(chunk);
  const auto record = (*chunk)->find(1002);
  CHECK(record->id == native_id(5, 1002));
  CHECK(record->timestamp == kTime);
}

TEST_CASE("a journal is written and read as its page shows it", "[storage]") {
  test::MemoryFileSystem files;
  Journal journal(files, "journal", kSeed);
  REQUIRE(journal.append("entry"));
  CHECK(files.content("journal") == shown_file(1));

  files.put("shown", shown_file(1));
  std::vector<std::string> entries;
  REQUIRE(Journal(files, "shown", 1).replay([&](std::string_view e) { entries.emplace_back(e); }));
  CHECK(entries == std::vector<std::string>{"entry"});
}
