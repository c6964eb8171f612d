#include "utilities/archive.h"

#include <stdlib.h>
#include <sys/file.h>
#include <unistd.h>
#include <zlib.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <optional>
#include <sstream>
#include <string>

#include "support/catch.h"
#include "support/quiet_log.h"
#include "unit/utilities/failing_disk.h"

using namespace nsq;
using namespace nsq::utilities;
using namespace std::chrono_literals;
using nsq::test::FailingDisk;

namespace {

using Files = std::map<std::string, std::string>;

std::string read_file(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

// All members of a gzip file; "broken" if it is none.
std::string unzipped(std::string bytes) {
  std::string text;
  while (!bytes.empty()) {
    z_stream state{};
    ::inflateInit2(&state, 15 + 16);
    std::string room(100'000, '\0');
    state.next_in = reinterpret_cast<Bytef*>(bytes.data());
    state.avail_in = static_cast<uInt>(bytes.size());
    state.next_out = reinterpret_cast<Bytef*>(room.data());
    state.avail_out = static_cast<uInt>(room.size());
    const bool ended = ::inflate(&state, Z_FINISH) == Z_STREAM_END;
    text.append(room, 0, state.total_out);
    bytes.erase(0, state.total_in);
    ::inflateEnd(&state);
    if (!ended) return "broken";
  }
  return text;
}

// An archive in a fresh directory, and a clock that is moved.
class ArchiveFixture {
 public:
  explicit ArchiveFixture(ArchiveOptions made_with = {},
                          FileNameOptions names_made_with = {.filename_format = "<DATETIME><REV>",
                                                             .datetime_format = "%H"})
      : options(std::move(made_with)), names(std::move(names_made_with)) {
    ::setenv("TZ", "UTC", 1);
    ::tzset();
    std::string pattern = std::filesystem::temp_directory_path() / "nsq-archive-XXXXXX";
    REQUIRE(::mkdtemp(pattern.data()) != nullptr);
    directory = pattern;
    options.output_dir = directory / "out";
    if (!options.work_dir.empty()) options.work_dir = directory / "work";
    names.has_revisions = options.has_revisions();
    names.gzip = options.gzip;
    begin();
  }
  ~ArchiveFixture() {
    archive.reset();
    std::filesystem::remove_all(directory);
  }

  // As a new process would.
  void begin() {
    auto made = FileNames::make(names, "t", "host", 1);
    REQUIRE(made);
    archive.emplace("[t/c]", options, std::move(*made), disk);
  }
  void advance(Duration time) { now = {now.steady + time, now.wall + time}; }
  // True if it opened a file for it.
  bool append(std::string_view record) {
    const auto appended = archive->append(record, now);
    REQUIRE(appended);
    return *appended;
  }
  void save(std::string_view record) {
    append(record);
    REQUIRE(archive->sync());
  }
  void tick() { REQUIRE(archive->tick(now)); }
  void close() { REQUIRE(archive->close()); }
  void put(const std::string& name, const std::string& text, const std::string& in = "out") {
    std::filesystem::create_directories(directory / in);
    std::ofstream(directory / in / name, std::ios::binary) << text;
  }

  Files files(const std::string& in = "out") const {
    Files found;
    if (!std::filesystem::exists(directory / in)) return found;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(directory / in)) {
      if (!entry.is_regular_file()) continue;
      found[std::filesystem::relative(entry.path(), directory / in)] = read_file(entry.path());
    }
    return found;
  }

  nsq::test::QuietLog quiet;
  std::filesystem::path directory;
  ArchiveOptions options;
  FileNameOptions names;
  FailingDisk disk;
  Moment now{Instant(1h), Timestamp(std::int64_t{1'795'238'645} * 1'000'000'000)};  // 05:24:05
  std::optional<Archive> archive;
};

}  // namespace

TEST_CASE("records are lines of a file that is named after the hour", "[utilities]") {
  ArchiveFixture fixture;
  CHECK(fixture.append("one"));
  CHECK_FALSE(fixture.append("two"));
  REQUIRE(fixture.archive->write());
  CHECK(fixture.files() == Files{{"05", "one\ntwo\n"}});
  fixture.advance(1h);
  CHECK(fixture.append("three"));
  fixture.close();
  CHECK(fixture.files() == Files{{"05", "one\ntwo\n"}, {"06", "three\n"}});
}

TEST_CASE("only a sync makes records certain, and a new file syncs the last one", "[utilities]") {
  ArchiveFixture fixture;
  fixture.append("one");
  REQUIRE(fixture.archive->write());
  CHECK(fixture.archive->synced() == 0);
  REQUIRE(fixture.archive->sync());
  CHECK(fixture.archive->synced() == 1);
  fixture.append("two");
  fixture.advance(1h);
  fixture.append("three");
  CHECK(fixture.archive->synced() == 2);
  CHECK(fixture.archive->appended() == 3);
}

TEST_CASE("many records are one write", "[utilities]") {
  ArchiveFixture fixture;
  for (int i = 0; i < 1000; ++i) fixture.append("a record like many others");
  REQUIRE(fixture.archive->write());
  CHECK(fixture.disk.write_count == 1);
  REQUIRE(fixture.archive->sync());
  REQUIRE(fixture.archive->sync());
  CHECK(fixture.disk.sync_count == 1);  // nothing new, nothing to sync
}

TEST_CASE("an existing file is continued, behind a line that was cut off too", "[utilities]") {
  ArchiveFixture fixture;
  fixture.put("05", "before\ncut of");
  fixture.save("after");
  CHECK(fixture.files() == Files{{"05", "before\ncut of\nafter\n"}});
}

TEST_CASE("a file that is over the size is followed by the next number", "[utilities]") {
  ArchiveFixture fixture({.rotate_size = 10});
  fixture.put("05-000000", "longer than ten\n");
  fixture.put("05-000001", "ten bytes\n");
  CHECK(fixture.append("over"));  // at the limit is not over it
  CHECK(fixture.append("next"));
  fixture.close();
  CHECK(fixture.files() == Files{{"05-000000", "longer than ten\n"},
                                 {"05-000001", "ten bytes\nover\n"},
                                 {"05-000002", "next\n"}});
}

TEST_CASE("a file that is older than the interval is followed by the next number", "[utilities]") {
  ArchiveFixture fixture({.rotate_interval = 10s});
  fixture.save("one");
  fixture.advance(10s);
  fixture.save("two");
  fixture.advance(1s);
  fixture.save("three");
  CHECK(fixture.files() == Files{{"05-000000", "one\ntwo\n"}, {"05-000001", "three\n"}});
}

TEST_CASE("files of an interval are never continued", "[utilities]") {
  ArchiveFixture fixture({.rotate_interval = 10s});
  fixture.put("05-000000", "somebody else's\n");
  fixture.save("ours");
  CHECK(fixture.files() == Files{{"05-000000", "somebody else's\n"}, {"05-000001", "ours\n"}});
}

TEST_CASE("the tick makes the next file, even an empty one, unless those are skipped",
          "[utilities]") {
  ArchiveFixture fixture;
  fixture.tick();
  CHECK(fixture.files() == Files{{"05", ""}});
  fixture.advance(1h);
  fixture.tick();
  CHECK(fixture.files() == Files{{"05", ""}, {"06", ""}});

  ArchiveFixture skipping({.skip_empty_files = true});
  skipping.tick();
  CHECK(skipping.files().empty());
  skipping.save("one");
  skipping.advance(1h);
  skipping.tick();
  CHECK(skipping.files() == Files{{"05", "one\n"}});
  CHECK(skipping.append("two"));
  skipping.close();
  CHECK(skipping.files() == Files{{"05", "one\n"}, {"06", "two\n"}});
}

TEST_CASE("after a close the next record opens the same file, or the next number", "[utilities]") {
  ArchiveFixture plain;
  plain.save("one");
  plain.close();
  plain.save("two");
  CHECK(plain.files() == Files{{"05", "one\ntwo\n"}});
  ArchiveFixture numbered({.rotate_size = 1000});
  numbered.save("one");
  numbered.close();
  numbered.save("two");
  CHECK(numbered.files() == Files{{"05-000000", "one\n"}, {"05-000001", "two\n"}});
}

TEST_CASE("each sync ends a gzip member", "[utilities]") {
  ArchiveFixture fixture({.gzip = true});
  fixture.save("one");
  CHECK(unzipped(fixture.files()["05-000000.gz"]) == "one\n");
  fixture.append("two");
  fixture.save("three");
  CHECK(unzipped(fixture.files()["05-000000.gz"]) == "one\ntwo\nthree\n");
  fixture.begin();  // another process does not continue it
  fixture.save("four");
  CHECK(unzipped(fixture.files()["05-000001.gz"]) == "four\n");
}

TEST_CASE("a gzip file without records is one, too", "[utilities]") {
  ArchiveFixture fixture({.gzip = true});
  fixture.tick();
  fixture.close();
  CHECK_FALSE(fixture.files()["05-000000.gz"].empty());
  CHECK(unzipped(fixture.files()["05-000000.gz"]).empty());
}

TEST_CASE("what is rotated by size counts before compression", "[utilities]") {
  ArchiveFixture fixture({.gzip = true, .rotate_size = 50'000});
  const std::string record(30'000, 'x');
  fixture.save(record);
  CHECK_FALSE(fixture.append(record));
  CHECK(fixture.append(record));
  CHECK(fixture.files()["05-000000.gz"].size() < 1000);
}

TEST_CASE("finished files are moved, and never over another", "[utilities]") {
  ArchiveFixture fixture({.work_dir = "work"});
  fixture.save("one");
  CHECK(fixture.files().empty());
  CHECK(fixture.files("work") == Files{{"05-000000", "one\n"}});
  fixture.put("05-000000", "came meanwhile\n");
  fixture.close();
  CHECK(fixture.files("work").empty());
  CHECK(fixture.files() == Files{{"05-000000", "came meanwhile\n"}, {"05-000001", "one\n"}});
  // A name that is taken over there is not even begun with; after a close there is a next file.
  fixture.save("two");
  CHECK(fixture.files("work") == Files{{"05-000002", "two\n"}});
  fixture.close();
  CHECK(fixture.files()["05-000002"] == "two\n");
}

TEST_CASE("names may hold directories, which are made in both places", "[utilities]") {
  ArchiveFixture fixture({.work_dir = "work"}, {.filename_format = "<TOPIC>/<DATETIME>/x<REV>",
                                                .datetime_format = "%Y/%m"});
  fixture.save("one");
  fixture.close();
  CHECK(fixture.files() == Files{{"t/2026/11/x-000000", "one\n"}});
}

TEST_CASE("what a full disk cut off is taken back, and comes once there is room", "[utilities]") {
  for (const bool gzip : {false, true}) {
    ArchiveFixture fixture({.gzip = gzip});
    fixture.save("safe");
    const Files before = fixture.files();
    fixture.disk.room = 5;
    fixture.append("cut off in the middle");
    const auto synced = fixture.archive->sync();
    REQUIRE_FALSE(synced);
    CHECK(is_lack_of_room(synced.error()));
    CHECK(fixture.files() != before);
    fixture.archive->discard_unsynced();
    CHECK(fixture.files() == before);
    CHECK(fixture.archive->appended() == 1);

    fixture.disk.room.reset();
    CHECK_FALSE(fixture.append("comes again"));
    REQUIRE(fixture.archive->sync());
    CHECK(fixture.archive->synced() == 2);
    const std::string text = fixture.files().begin()->second;
    CHECK((gzip ? unzipped(text) : text) == "safe\ncomes again\n");
  }
}

TEST_CASE("a failed sync makes nothing certain", "[utilities]") {
  ArchiveFixture fixture;
  fixture.disk.sync_error = ENOSPC;
  fixture.append("one");
  CHECK_FALSE(fixture.archive->sync());
  CHECK(fixture.archive->synced() == 0);
  fixture.archive->discard_unsynced();
  CHECK(fixture.files() == Files{{"05", ""}});
  fixture.disk.sync_error = 0;
  fixture.save("one");
  CHECK(fixture.files() == Files{{"05", "one\n"}});
}

TEST_CASE("a file that cannot be cut is ended: what is torn stays apart", "[utilities]") {
  ArchiveFixture plain;
  plain.disk.refuses_to_cut = true;
  plain.disk.room = 2;
  plain.append("torn");
  CHECK_FALSE(plain.archive->write());
  plain.archive->discard_unsynced();
  plain.disk.room.reset();
  plain.save("whole");
  CHECK(plain.files() == Files{{"05", "to\nwhole\n"}});

  ArchiveFixture zipped({.gzip = true});
  zipped.disk.refuses_to_cut = true;
  zipped.save("safe");
  zipped.disk.room = 2;
  zipped.append("torn");
  CHECK_FALSE(zipped.archive->sync());
  zipped.archive->discard_unsynced();
  zipped.disk.room.reset();
  zipped.save("whole");
  CHECK(unzipped(zipped.files()["05-000001.gz"]) == "whole\n");
}

TEST_CASE("another process' lines are never cut off", "[utilities]") {
  ArchiveFixture fixture;
  fixture.save("ours");
  fixture.disk.room = 0;
  fixture.append("more of ours");
  CHECK_FALSE(fixture.archive->write());
  std::ofstream(fixture.directory / "out/05", std::ios::app) << "somebody else's line\n";
  fixture.archive->discard_unsynced();
  CHECK(fixture.files() == Files{{"05", "ours\nsomebody else's line\n"}});
}

TEST_CASE("a move that lacks room is tried again, and a failure that stays is told",
          "[utilities]") {
  ArchiveFixture fixture({.work_dir = "work"});
  fixture.save("one");
  fixture.disk.move_error = ENOSPC;
  fixture.close();
  CHECK(fixture.files("work").size() == 1);
  fixture.disk.move_error = 0;
  fixture.tick();
  CHECK(fixture.files() == Files{{"05-000000", "one\n"}});
  fixture.save("two");
  fixture.disk.move_error = EIO;
  const auto closed = fixture.archive->close();
  REQUIRE_FALSE(closed);
  CHECK_FALSE(is_lack_of_room(closed.error()));
}
