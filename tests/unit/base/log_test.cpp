#include "base/log.h"

#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <regex>
#include <sstream>
#include <string>

#include "support/catch.h"

using namespace nsq;

namespace {

// The log in a file, which belongs to the process: each story has one of its own to look at.
class LogFile {
 public:
  LogFile() {
    static int number = 0;
    path_ = std::filesystem::temp_directory_path() /
            ("nsq-log-test-" + std::to_string(::getpid()) + "-" + std::to_string(++number));
    REQUIRE(log::set_file(path_.string()));
    log::set_level(log::Level::Info);
  }
  ~LogFile() {
    log::set_format(log::Format::Text);
    log::set_prefix("[nsqd] ");
    log::set_file("/dev/null");
    std::filesystem::remove(path_);
    std::filesystem::remove(rotated());
  }

  void rotate() const { std::filesystem::rename(path_, rotated()); }
  std::string path() const { return path_.string(); }
  std::string rotated() const { return path_.string() + ".1"; }
  static std::string content(const std::string& path) {
    std::ostringstream text;
    text << std::ifstream(path).rdbuf();
    return text.str();
  }
  std::string content() const { return content(path()); }

 private:
  std::filesystem::path path_;
};

bool matches(const std::string& text, const char* pattern) {
  CAPTURE(text);
  return std::regex_match(text, std::regex(pattern));
}

}  // namespace

TEST_CASE("a line has the prefix as it is, the time and the level", "[base]") {
  const LogFile file;
  log::set_prefix("100% [x] ");
  log::warning("{} of {}", 1, 2);
  CHECK(matches(file.content(),
                R"(100% \[x\] \d{4}/\d\d/\d\d \d\d:\d\d:\d\d\.\d{6} WARNING: 1 of 2\n)"));
}

TEST_CASE("one event is one line, whatever it says", "[base]") {
  const LogFile file;
  log::info("a\nb\x1b[0m");
  CHECK(file.content().ends_with("INFO: a\\x0ab\\x1b[0m\n"));
}

TEST_CASE("what is below the level is not written", "[base]") {
  const LogFile file;
  log::debug("not this");
  log::set_level(log::Level::Error);
  log::warning("nor this");
  log::error("this");
  CHECK(file.content().find("not") == std::string::npos);
  CHECK(file.content().ends_with("ERROR: this\n"));
  log::set_level(log::Level::Info);
}

TEST_CASE("a line may be a JSON object", "[base]") {
  const LogFile file;
  log::set_prefix("[nsqd] ");
  log::set_format(log::Format::Json);
  log::error("a \"quote\"\nand %v");
  CHECK(matches(
      file.content(),
      R"re(\{"time":"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}[+-]\d\d:\d\d","level":"error","logger":"nsqd","message":"a \\"quote\\"\\nand %v"\}\n)re"));
}

TEST_CASE("a log file that was moved away is begun anew when asked to", "[base]") {
  const LogFile file;
  log::info("first");
  file.rotate();
  log::info("second");
  log::reopen_file();
  log::info("third");
  const std::string old = LogFile::content(file.rotated());
  CHECK(old.find("first") != std::string::npos);
  CHECK(old.find("second") != std::string::npos);
  CHECK(file.content().find("second") == std::string::npos);
  CHECK(file.content().ends_with("INFO: third\n"));
}

TEST_CASE("a log file that cannot be opened is refused", "[base]") {
  const LogFile file;
  CHECK_FALSE(log::set_file("/no/such/directory/log"));
  log::info("still here");
  CHECK(file.content().ends_with("still here\n"));
}

TEST_CASE("formats have names", "[base]") {
  CHECK(log::parse_format("json") == log::Format::Json);
  CHECK(log::parse_format("text") == log::Format::Text);
  CHECK_FALSE(log::parse_format("xml"));
}
