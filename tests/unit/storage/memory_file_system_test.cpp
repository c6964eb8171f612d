#include "support/memory_file_system.h"

#include <algorithm>
#include <set>

#include "support/catch.h"

using nsq::storage::File;
using nsq::storage::FileSystem;
using nsq::test::MemoryFileSystem;
using Call = MemoryFileSystem::Call;

namespace {

std::unique_ptr<File> create(FileSystem& files, const std::string& path) {
  auto file = files.open(path, FileSystem::Mode::Create);
  REQUIRE(file);
  return std::move(file.value());
}

bool write(File& file, std::string_view bytes, std::uint64_t offset) {
  return file.write_at(std::span(&bytes, 1), offset).ok();
}

}  // namespace

TEST_CASE("a power failure takes what was not synced, contents and names apart", "[support]") {
  MemoryFileSystem files;
  REQUIRE(files.create_directory("data"));
  REQUIRE(files.sync_directory("."));
  auto named = create(files, "data/named");
  REQUIRE(write(*named, "one", 0));
  REQUIRE(files.sync_directory("data"));
  auto nameless = create(files, "data/nameless");
  REQUIRE(write(*nameless, "two", 0));
  REQUIRE(nameless->sync());

  auto lost = files.after_power_loss();
  CHECK(lost->exists("data/named"));
  CHECK(lost->content("data/named").empty());
  CHECK_FALSE(lost->exists("data/nameless"));

  REQUIRE(named->sync());
  REQUIRE(write(*named, "ONE and more", 0));
  REQUIRE(files.rename("data/nameless", "data/other"));
  CHECK(files.after_power_loss()->content("data/named") == "one");
  CHECK_FALSE(files.after_power_loss()->exists("data/other"));
  CHECK(files.after_kill()->content("data/named") == "ONE and more");
  CHECK(files.after_kill()->after_power_loss()->content("data/named") == "one");

  REQUIRE(files.sync_directory("data"));
  CHECK(files.after_power_loss()->content("data/other") == "two");
  REQUIRE(files.remove("data/other"));
  CHECK(files.after_power_loss()->content("data/other") == "two");
  CHECK(write(*nameless, "still open", 0));
}

TEST_CASE("a seeded power failure keeps, tears or drops unsynced writes and names", "[support]") {
  MemoryFileSystem files;
  REQUIRE(files.create_directory("data"));
  REQUIRE(files.sync_directory("."));
  auto file = create(files, "data/f");
  REQUIRE(write(*file, std::string(2000, 'a'), 0));
  REQUIRE(file->sync());
  REQUIRE(files.sync_directory("data"));
  REQUIRE(write(*file, std::string(2000, 'b'), 1000));
  REQUIRE(files.rename("data/f", "data/g"));

  std::set<std::string> outcomes;
  std::set<std::string> names;
  for (std::uint64_t seed = 0; seed < 300; ++seed) {
    auto later = files.after_power_loss(seed);
    const std::string name = later->exists("data/f") ? "data/f" : "data/g";
    CHECK(later->exists("data/f") != later->exists("data/g"));
    const std::string content = later->content(name);
    CHECK(content.substr(0, 1000) == std::string(1000, 'a'));
    CHECK(later->content(name) == files.after_power_loss(seed)->content(name));
    names.insert(name);
    outcomes.insert(content);
  }
  CHECK(names.size() == 2);
  CHECK(outcomes.size() > 30);
}

TEST_CASE("a full disk takes part of a write, and more when there is room again", "[support]") {
  MemoryFileSystem files;
  auto file = create(files, "f");
  files.set_capacity(10);
  CHECK(write(*file, "12345678", 0));
  const std::string_view more = "abcd";
  const auto full = file->write_at(std::span(&more, 1), 8);
  REQUIRE_FALSE(full);
  CHECK(full.error() == std::make_error_code(std::errc::no_space_on_device));
  CHECK(files.content("f") == "12345678ab");
  CHECK(write(*file, "x", 0));
  CHECK(file->truncate(2));
  CHECK(files.used_bytes() == 2);
  CHECK(write(*file, "abcd", 2));
  CHECK(files.remove("f"));
  CHECK(files.used_bytes() == 0);
}

TEST_CASE("the chosen calls fail, and a failed sync has lost its bytes", "[support]") {
  MemoryFileSystem files;
  auto file = create(files, "f");
  REQUIRE(files.sync_directory("."));
  files.fail(Call::Sync, 2, std::errc::io_error);
  CHECK(file->sync());
  REQUIRE(write(*file, "lost", 0));
  CHECK_FALSE(file->sync());
  CHECK(file->sync());
  CHECK(files.content("f") == "lost");
  CHECK(files.after_power_loss()->content("f").empty());
  CHECK(files.calls(Call::Sync) == 3);
}
