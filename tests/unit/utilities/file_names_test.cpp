#include "utilities/file_names.h"

#include <cstdlib>
#include <ctime>
#include <string>

#include "support/catch.h"

using namespace nsq;
using namespace nsq::utilities;

namespace {

// The local time in which the tests live, whatever the machine's is.
class InZone {
 public:
  explicit InZone(const char* zone) {
    if (const char* set = std::getenv("TZ")) before_ = set;
    ::setenv("TZ", zone, 1);
    ::tzset();
  }
  ~InZone() {
    if (before_.empty()) {
      ::unsetenv("TZ");
    } else {
      ::setenv("TZ", before_.c_str(), 1);
    }
    ::tzset();
  }

 private:
  std::string before_;
};

constexpr Timestamp kNow{std::int64_t{1'795'238'645} * 1'000'000'000};  // 2026-11-21 05:24:05 UTC

std::string name_of(const FileNameOptions& options, const std::string& topic = "events") {
  const auto names = FileNames::make(options, topic, "web01.example.com", 42);
  REQUIRE(names);
  return names->at(kNow);
}

}  // namespace

TEST_CASE("a file has its topic, host and local hour in its name", "[utilities]") {
  const InZone zone("UTC");
  CHECK(name_of({}) == "events.web01.2026-11-21_05.log");
  const InZone other("EST5");
  CHECK(name_of({}) == "events.web01.2026-11-21_00.log");
}

TEST_CASE("numbered files have a number of six digits where the format says", "[utilities]") {
  const InZone zone("UTC");
  const std::string name = name_of({.gzip = true, .has_revisions = true});
  CHECK(name == "events.web01<REV>.2026-11-21_05.log.gz");
  CHECK(FileNames::with_revision(name, 0) == "events.web01-000000.2026-11-21_05.log.gz");
  CHECK(FileNames::with_revision(name, 1'234'567) == "events.web01-1234567.2026-11-21_05.log.gz");
  CHECK(name_of({.filename_format = "a<REV>.gz", .gzip = true, .has_revisions = true}) ==
        "a<REV>.gz");
}

TEST_CASE("a format without a place for the number is refused where there are numbers",
          "[utilities]") {
  const FileNameOptions options{.filename_format = "<TOPIC>.log", .has_revisions = true};
  const auto names = FileNames::make(options, "t", "host", 1);
  REQUIRE_FALSE(names);
  CHECK(names.error().context() ==
        "missing <REV> in --filename-format when gzip, rotation, or work dir enabled");
}

TEST_CASE("every token is filled in wherever it stands", "[utilities]") {
  const InZone zone("UTC");
  CHECK(name_of({.filename_format = "<TOPIC>/<TOPIC>.<PID>.<HOST>.<DATETIME>",
                 .datetime_format = "%y",
                 .host_identifier = "x-<SHORT_HOST>-<HOSTNAME>"},
                "a#ephemeral") == "a#ephemeral/a#ephemeral.42.x-web01-web01.example.com.26");
}

TEST_CASE("the time's letters are strftime's, and all other text is literal", "[utilities]") {
  const InZone zone("UTC");
  const auto time = [](const std::string& format) {
    return name_of({.filename_format = "<DATETIME>", .datetime_format = format});
  };
  CHECK(time("%Y %y %m %d %H %I %M %S") == "2026 26 11 21 05 05 24 05");
  CHECK(time("%B %b %A %a %p %Z %z %%") == "November Nov Saturday Sat AM UTC +0000 %");
  // The original's letters end there; and what looks like a layout of Go's is none.
  CHECK(time("%j %e %F v1 2006 Jan %") == "%j %e %F v1 2006 Jan %");
}

TEST_CASE("a topic does not lead out of the directory", "[utilities]") {
  CHECK_FALSE(FileNames::make({.filename_format = "<TOPIC>/x"}, "..", "host", 1));
}
