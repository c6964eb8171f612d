#include "check/check.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cstdio>
#include <memory>

#include "check/directory_lock.h"
#include "check/dump.h"
#include "check/inspection.h"
#include "check/repair.h"

namespace nsq::check {
namespace {

int fail(const std::string& reason) {
  fmt::print(stderr, "nsq check: {}\n", reason);
  return kExitUnreadable;
}

// A line on a terminal that says how far it is; it is gone when this is.
class ProgressLine {
 public:
  explicit ProgressLine(std::uint64_t all)
      : all_(all), shown_(::isatty(STDERR_FILENO) == 1 && all > 0) {}
  ~ProgressLine() {
    if (shown_ && percent_ > 0) std::fputs("\r\033[K", stderr);
  }
  ProgressLine(const ProgressLine&) = delete;
  ProgressLine& operator=(const ProgressLine&) = delete;

  void add(std::uint64_t bytes) {
    done_ += bytes;
    if (!shown_ || done_ * 100 / all_ == percent_) return;
    percent_ = done_ * 100 / all_;
    fmt::print(stderr, "\rreading: {} % of {:.1f} MB\033[K", percent_,
               static_cast<double>(all_) / 1e6);
    std::fflush(stderr);
  }

 private:
  const std::uint64_t all_;
  const bool shown_;
  std::uint64_t done_ = 0;
  std::uint64_t percent_ = 0;
};

Result<DirectoryReport> read_all(Inspection& inspection, const std::string& topic) {
  ProgressLine line(inspection.bytes());
  return inspection.read(
      topic, Timestamp::now(), [](const Found&) {}, [&](std::uint64_t bytes) { line.add(bytes); });
}

void print(const DirectoryReport& report, bool json) {
  fmt::print("{}", json ? to_json(report) + "\n" : to_text(report));
}

int repair_all(storage::FileSystem& files, const std::string& path, const Options& options) {
  const auto lock = DirectoryLock::take(path);
  if (!lock) return fail(path + " is in use by a running daemon, or is not a directory");
  Inspection before(files, path);
  if (auto opened = before.open(); !opened) return fail(opened.error().to_string());
  auto report = read_all(before, "");
  if (!report) return fail(report.error().to_string());
  if (report->damaged()) {
    const auto done = repair(files, before, *report, options.version, Timestamp::now());
    if (!done) return fail(done.error().to_string());
    for (const std::string& line : *done) fmt::print(stderr, "{}\n", line);
  }
  Inspection after(files, path);
  if (auto opened = after.open(); !opened) return fail(opened.error().to_string());
  report = read_all(after, "");
  if (!report) return fail(report.error().to_string());
  print(*report, options.json);
  return report->damaged() ? kExitDamaged : kExitSound;
}

}  // namespace

int check(const Options& options) {
  storage::FileSystem& files = storage::real_file_system();
  std::string path = options.data_path.empty() ? "." : options.data_path;
  while (path.size() > 1 && path.ends_with('/')) path.pop_back();
  if (options.repair) return repair_all(files, path, options);
  Inspection inspection(files, path);
  if (auto opened = inspection.open(); !opened) return fail(opened.error().to_string());
  if (!options.topic.empty() && !inspection.topics().contains(options.topic)) {
    return fail("there is nothing of a topic " + options.topic + " in " + path);
  }
  if (options.dump) {
    const auto format = parse_dump_format(options.format);
    return dump(inspection, options.topic, options.channel, format.value_or(DumpFormat::Plain),
                Timestamp::now());
  }
  auto report = read_all(inspection, options.topic);
  if (!report) return fail(report.error().to_string());
  report->in_use = !DirectoryLock::take(path).has_value();
  print(*report, options.json);
  return report->damaged() ? kExitDamaged : kExitSound;
}

}  // namespace nsq::check
