#include "utilities/to_file.h"

#include <fmt/format.h>
#include <re2/re2.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <asio/awaitable.hpp>
#include <asio/co_spawn.hpp>
#include <asio/io_context.hpp>
#include <atomic>
#include <cstdlib>
#include <exception>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <utility>

#include "base/log.h"
#include "base/mutex.h"
#include "client/names.h"
#include "cluster/cluster.h"
#include "net/event_loops.h"
#include "net/stop_signal.h"
#include "utilities/notice.h"
#include "utilities/stop_signal.h"
#include "utilities/topic_archiver.h"

namespace nsq::utilities {
namespace {

constexpr std::size_t kMostTopics = 5'000;  // each has threads and files of its own

// What is wrong with the options, in the order the original looks at them; its crashes come last.
std::optional<std::string> find_mistake(const ToFileOptions& options) {
  const Source& source = options.source;
  if (options.channel.empty()) return "--channel is required";
  if (options.http_client_connect_timeout <= Duration::zero()) {
    return "--http-client-connect-timeout should be positive";
  }
  if (options.http_client_request_timeout <= Duration::zero()) {
    return "--http-client-request-timeout should be positive";
  }
  if (source.nsqd_tcp_address.empty() && source.lookupd_http_address.empty()) {
    return "--nsqd-tcp-address or --lookupd-http-address required.";
  }
  if (const auto mistake = find_mistake(source)) return mistake;
  if (options.archive.gzip_level < 1 || options.archive.gzip_level > 9) {
    return fmt::format("invalid --gzip-level value ({}), should be 1-9",
                       options.archive.gzip_level);
  }
  if (options.topic.empty() && options.topic_pattern.empty()) {
    return "--topic or --topic-pattern required";
  }
  if (options.topic.empty() && source.lookupd_http_address.empty()) {
    return "--lookupd-http-address must be specified when no --topic specified";
  }
  if (!client::is_valid_name(options.channel)) return "invalid channel name";
  if (options.max_in_flight < 1) return "--max-in-flight should be positive";
  if (options.sync_interval <= Duration::zero()) return "--sync-interval should be positive";
  if (options.topic_refresh <= Duration::zero()) return "--topic-refresh should be positive";
  return std::nullopt;
}

// Files are moved by links, which do not lead to other file systems. Directories that do not exist
// yet are found out about later.
bool are_on_different_disks(const ArchiveOptions& options) {
  struct stat work {};
  struct stat output {};
  return options.is_moved() && ::stat(options.work_dir.c_str(), &work) == 0 &&
         ::stat(options.output_dir.c_str(), &output) == 0 && work.st_dev != output.st_dev;
}

std::string host_name() {
  std::array<char, 256> name{};
  ::gethostname(name.data(), name.size() - 1);
  return name.data();
}

std::unique_ptr<re2::RE2> compile(const std::string& pattern) {
  re2::RE2::Options options;
  options.set_log_errors(false);
  return std::make_unique<re2::RE2>(pattern, options);
}

asio::awaitable<void> ask_for_topics(cluster::Cluster& cluster, std::vector<std::string>& topics) {
  auto found = co_await cluster.topics();
  if (!found) {
    log::error("could not retrieve topic list: {}", found.error().context());
    co_return;
  }
  for (const std::string& error : found->errors) {
    log::warning("could not retrieve topic list: {}", error);
  }
  topics = std::move(found->value);
}

// One run of the program. The main thread looks for topics; each of them has threads of its own.
class ToFile {
 public:
  explicit ToFile(const ToFileOptions& options)
      : options_(options), names_(options.names), pattern_(compile(options.topic_pattern)) {
    names_.gzip = options.archive.gzip;
    names_.has_revisions = options.archive.has_revisions();
  }

  // What is wrong with the patterns and directories.
  std::optional<std::string> find_mistake() const {
    if (!pattern_->ok()) return "--topic-pattern is invalid: " + pattern_->error();
    if (const auto names = make_names("t"); !names) return names.error().context();
    if (are_on_different_disks(options_.archive)) {
      return "--work-dir and --output-dir must be on one file system";
    }
    return std::nullopt;
  }

  int run() {
    net::allow_many_connections();
    StopSignal signal([this] { stop(); }, [this] { reopen(); });
    const bool discovers = options_.topic.empty();
    while (!signal.has_come()) {
      const Instant next = Instant::now() + options_.topic_refresh;
      const bool all_started = start_topics(signal, discovers ? find_topics() : options_.topic);
      if (!discovers && is_idle()) {
        log::fatal("no topic can be archived");
        has_failed_ = true;
        break;
      }
      signal.wait_for_input(-1, discovers || !all_started ? next : Instant::never());
    }
    stop();
    return end() && !has_failed_ ? EXIT_SUCCESS : EXIT_FAILURE;
  }

 private:
  using Archivers = std::map<std::string, std::unique_ptr<TopicArchiver>>;

  Result<FileNames> make_names(const std::string& topic) const {
    return FileNames::make(names_, topic, host_, ::getpid());
  }

  // Those of all lookupds that answer; those of the others come with a later round.
  std::vector<std::string> find_topics() const {
    cluster::ClusterOptions asked;
    for (std::string_view address : options_.source.lookupd_http_address) {
      constexpr std::string_view kScheme = "http://";
      if (address.starts_with(kScheme)) address.remove_prefix(kScheme.size());
      asked.lookupds.emplace_back(address.substr(0, address.find('/')));
    }
    asked.client.connect_timeout = options_.http_client_connect_timeout;
    asked.client.request_timeout = options_.http_client_request_timeout;
    asio::io_context loop(1);
    cluster::Cluster cluster(loop, std::move(asked));
    std::vector<std::string> topics;
    asio::co_spawn(loop, ask_for_topics(cluster, topics), [](const std::exception_ptr& thrown) {
      if (thrown) std::rethrow_exception(thrown);
    });
    loop.run();
    return topics;
  }

  // Starts those that are not at work yet. False if one of them could not be started.
  bool start_topics(StopSignal& signal, const std::vector<std::string>& topics) {
    bool all_started = true;
    for (const std::string& topic : topics) {
      if (signal.has_come()) break;
      if (is_at_work(topic) || !matches(topic)) continue;
      const auto started = start_topic(signal, topic);
      if (started) continue;
      all_started = false;
      log::error("couldn't create logger for new topic {}: {}", topic, started.error().to_string());
    }
    return all_started;
  }

  bool matches(const std::string& topic) {
    if (re2::RE2::PartialMatch(topic, *pattern_)) return true;
    if (skipped_.size() < kMostTopics && skipped_.insert(topic).second) {
      log::warning("skipping topic {} (doesn't match pattern {})", topic, options_.topic_pattern);
    }
    return false;
  }

  Result<void> start_topic(StopSignal& signal, const std::string& topic) {
    if (archiver_count() >= kMostTopics) {
      return Error(make_error_code(std::errc::too_many_files_open), "too many topics");
    }
    auto names = make_names(topic);
    if (!names) return names.error();
    TopicArchiver::Setup setup{
        .topic = topic,
        .channel = options_.channel,
        .consumer = options_.consumer,
        .source = options_.source,
        .sync_interval = options_.sync_interval,
        .on_failure =
            [this, &signal](const Error&) {
              has_failed_ = true;
              signal.stop();
            },
        .logging = {.sink = [](LogLevel, std::string_view line) { notice(line); }}};
    setup.consumer.max_in_flight = options_.max_in_flight;
    auto archive = std::make_unique<Archive>(fmt::format("[{}/{}]", topic, options_.channel),
                                             options_.archive, std::move(*names), *disk_);
    auto archiver = TopicArchiver::start(std::move(setup), std::move(archive));
    if (!archiver) return archiver.error();
    const Lock lock(mutex_);
    archivers_.emplace(topic, std::move(*archiver));
    return {};
  }

  bool is_at_work(const std::string& topic) {
    const Lock lock(mutex_);
    return archivers_.contains(topic);
  }
  std::size_t archiver_count() {
    const Lock lock(mutex_);
    return archivers_.size();
  }
  bool is_idle() { return archiver_count() == 0; }

  void reopen() {
    const Lock lock(mutex_);
    for (const auto& [topic, archiver] : archivers_) archiver->reopen();
  }
  void stop() {
    const Lock lock(mutex_);
    for (const auto& [topic, archiver] : archivers_) archiver->stop();
  }
  // They stop at the same time, having all been told.
  bool end() {
    Archivers archivers;
    {
      const Lock lock(mutex_);
      archivers.swap(archivers_);
    }
    bool all_written = true;
    for (const auto& [topic, archiver] : archivers) all_written &= archiver->finish();
    return all_written;
  }

  const ToFileOptions& options_;
  FileNameOptions names_;
  const std::unique_ptr<const re2::RE2> pattern_;
  const std::string host_ = host_name();
  const std::unique_ptr<ArchiveDisk> disk_ = make_real_disk();
  std::set<std::string> skipped_;  // and said so
  std::atomic<bool> has_failed_{false};

  Mutex mutex_;
  Archivers archivers_ NSQ_GUARDED_BY(mutex_);
};

}  // namespace

ToFileOptions::ToFileOptions() {
  // A message that was never written is not to be given up, and room may come any moment.
  consumer.max_attempts = 0;
  consumer.max_backoff_duration = std::chrono::seconds(10);
}

int to_file(const ToFileOptions& options) {
  log::set_prefix(options.log_prefix);
  if (const auto level = log::parse_level(options.log_level)) log::set_level(*level);
  auto mistake = find_mistake(options);
  if (!mistake) {
    ToFile program(options);
    mistake = program.find_mistake();
    if (!mistake) return program.run();
  }
  notice(*mistake);
  return EXIT_FAILURE;
}

}  // namespace nsq::utilities
