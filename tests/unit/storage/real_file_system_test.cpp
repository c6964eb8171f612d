#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <string>
#include <vector>

#include "storage/file_system.h"
#include "storage/message_log.h"
#include "support/catch.h"
#include "support/log_fixture.h"

using namespace nsq;
using namespace nsq::storage;

namespace {

// A directory of its own, removed at the end.
class Scratch {
 public:
  Scratch() {
    std::string pattern = (std::filesystem::temp_directory_path() / "nsq-storage-XXXXXX").string();
    REQUIRE(::mkdtemp(pattern.data()) != nullptr);
    path_ = pattern;
  }
  ~Scratch() { std::filesystem::remove_all(path_); }
  std::string operator/(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

}  // namespace

TEST_CASE("many pieces are written one after the other, and read back", "[storage]") {
  const Scratch scratch;
  FileSystem& files = real_file_system();
  auto opened = files.open(scratch / "f", FileSystem::Mode::Create);
  REQUIRE(opened);
  File& file = **opened;
  std::vector<std::string> parts;
  std::string whole = "xx";
  for (std::size_t i = 0; i < 300; ++i)
    parts.push_back(std::string(i % 7, static_cast<char>('a' + i % 26)));
  for (const auto& part : parts) whole += part;
  const std::vector<std::string_view> pieces(parts.begin(), parts.end());
  const std::string_view start = "xx";
  REQUIRE(file.write_at(std::span(&start, 1), 0));
  REQUIRE(file.write_at(pieces, 2));
  CHECK(*file.size() == whole.size());
  std::string read(whole.size() + 10, '\0');
  CHECK(*file.read_at(read, 0) == whole.size());
  read.resize(whole.size());
  CHECK(read == whole);
  CHECK(*file.read_at(read, whole.size()) == 0);
  CHECK(file.truncate(3));
  CHECK(file.sync());
  CHECK(*read_file(files, scratch / "f") == whole.substr(0, 3));
}

TEST_CASE("names are made, listed, moved and removed", "[storage]") {
  const Scratch scratch;
  FileSystem& files = real_file_system();
  REQUIRE(files.create_directory(scratch / "d"));
  REQUIRE(files.create_directory(scratch / "d"));
  REQUIRE(replace_file(files, scratch / "d/f", "one"));
  REQUIRE(replace_file(files, scratch / "d/f", "two"));
  CHECK(*read_file(files, scratch / "d/f") == "two");
  CHECK(*files.list(scratch / "d") == std::vector<std::string>{"f"});
  REQUIRE(files.rename(scratch / "d/f", scratch / "d/g"));
  CHECK_FALSE(files.exists(scratch / "d/f"));
  REQUIRE(files.sync_directory(scratch / "d"));
  REQUIRE(files.remove(scratch / "d/g"));
  REQUIRE(replace_file(files, scratch / "d/h", "three"));
  REQUIRE(files.remove_tree(scratch / "d"));
  REQUIRE(files.remove_tree(scratch / "d"));
  CHECK_FALSE(files.exists(scratch / "d"));
}

TEST_CASE("errors say what was attempted on what", "[storage]") {
  const Scratch scratch;
  FileSystem& files = real_file_system();
  const auto missing = files.open(scratch / "missing", FileSystem::Mode::Write);
  REQUIRE_FALSE(missing);
  CHECK(missing.error().code() == std::errc::no_such_file_or_directory);
  CHECK(missing.error().context() == "open " + (scratch / "missing"));
  CHECK_FALSE(files.list(scratch / "missing"));
  CHECK_FALSE(files.remove(scratch / "missing"));
  CHECK_FALSE(files.sync_directory(scratch / "missing"));
}

TEST_CASE("a failed replacement leaves the old content and no other file", "[storage]") {
  test::MemoryFileSystem files;
  REQUIRE(replace_file(files, "f", "old"));
  using Call = test::MemoryFileSystem::Call;
  for (const Call call : {Call::Open, Call::Write, Call::Sync, Call::Rename}) {
    files.fail(call, 1, std::errc::no_space_on_device);
    CHECK_FALSE(replace_file(files, "f", "new"));
    CHECK(files.content("f") == "old");
    CHECK(files.list(".")->size() == 1);
  }
  REQUIRE(replace_file(files, "f", "new"));
  CHECK(files.after_power_loss()->content("f") == "new");
}

TEST_CASE("a log lives on the real file system as well", "[storage]") {
  const Scratch scratch;
  LogOptions options;
  options.identity = {5, 1};
  options.max_bytes_per_file = 10'000;
  options.window_messages = 20;
  test::Bodies bodies;
  LogPosition position;
  {
    MessageLog log(real_file_system(), scratch / "topic", options);
    for (Index index = 0; index < 1000; ++index) {
      bodies[index] = "message " + std::to_string(index);
      const std::string_view body = bodies[index];
      log.append(std::span(&body, 1), Timestamp{1}, {});
      if (index % 10 == 9) REQUIRE(log.write());
    }
    position = *log.sync();
    CHECK(*test::read_bodies(log, 0, 1000) == bodies);
    IntervalSet keep;
    keep.add({3, 1000});
    REQUIRE(log.rewrite(0, keep));
    REQUIRE(log.sync());
  }
  MessageLog log(real_file_system(), scratch / "topic", options);
  const auto recovered = log.recover(position);
  REQUIRE(recovered);
  CHECK(recovered->end == 1000);
  bodies.erase(bodies.begin(), bodies.find(3));
  CHECK(*test::read_bodies(log, 0, 1000) == bodies);
  REQUIRE(log.remove(log.release(1000)));
}
