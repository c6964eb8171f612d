#include "broker/import.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>
#include <vector>

#include "base/log.h"
#include "broker/import_topic.h"
#include "broker/metadata.h"
#include "broker/topic.h"
#include "protocol/names.h"

namespace nsq::broker {
namespace {

constexpr std::string_view kPrefix = "importing.";
constexpr std::string_view kUnfinished = "importing.tmp";
// In a finished import: the names of the files it has made superfluous, one to a line.
constexpr std::string_view kFileList = "files";

class Import {
 public:
  Import(const ImportOptions& options, storage::FileSystem& files, Timestamp now,
         const std::function<bool()>& is_stopping)
      : options_(options), files_(files), now_(now), is_stopping_(is_stopping) {}

  Result<ImportSummary> run();

 private:
  using Topics = std::map<std::string, ImportTopic>;

  std::string path(std::string_view name) const {
    return fmt::format("{}/{}", options_.data_path, name);
  }
  Result<void> build();
  Result<void> install(const std::string& name);
  Result<void> make_durable_directory(const std::string& directory);
  Result<void> move_away(const std::string& list, const std::string& kept);
  Topics find_topics(const std::vector<std::string>& names);
  void add_noted_topics(Topics& topics);
  Result<void> leave_out_present(Topics& topics);
  std::string superfluous(const std::vector<std::string>& names) const;
  Result<void> copy_metadata();
  std::string free_name();

  const ImportOptions& options_;
  storage::FileSystem& files_;
  const Timestamp now_;
  const std::function<bool()>& is_stopping_;
  ImportSummary summary_;
  std::set<std::string> present_;  // topics left out, since they have a log
  std::string finished_;           // the name of the finished import, once there is one
};

Result<ImportSummary> Import::run() {
  auto names = files_.list(options_.data_path);
  if (!names) return names.error();
  for (const std::string& name : *names) {
    if (name.starts_with(kPrefix) && name != kUnfinished) finished_ = name;
  }
  if (finished_.empty()) {
    const bool any = std::any_of(names->begin(), names->end(), [](const std::string& name) {
      return parse_diskqueue_name(name).has_value();
    });
    if (auto removed = files_.remove_tree(path(kUnfinished)); !removed) return removed.error();
    if (!any) return summary_;
    if (auto built = build(); !built) return built.error();
  } else {
    log::info("IMPORT: going on with {}", finished_);
  }
  if (finished_.empty()) return summary_;
  if (auto installed = install(finished_); !installed) return installed.error();
  return summary_;
}

// --- finding -----------------------------------------------------------------------------------

// The topics the names speak of, and their channels.
Import::Topics Import::find_topics(const std::vector<std::string>& names) {
  Topics topics;
  for (const std::string& name : names) {
    const auto file = parse_diskqueue_name(name);
    if (!file || file->kind == DiskqueueFile::Kind::Other) continue;
    if (protocol::is_ephemeral(file->topic) || protocol::is_ephemeral(file->channel)) continue;
    ImportTopic& topic = topics[file->topic];
    topic.name = file->topic;
    ImportQueue& queue = file->channel.empty() ? topic.queue : topic.channels[file->channel];
    if (file->kind == DiskqueueFile::Kind::Meta) {
      queue.has_meta = true;
    } else if (!queue.data_files.emplace(file->number, name).second) {
      log::warning("IMPORT: {}: there is another file of that number, ignored", name);
    }
  }
  return topics;
}

// Adds what nsqd.dat knows, and says what it does not. Its own reader complains if it is damaged.
void Import::add_noted_topics(Topics& topics) {
  const auto text = storage::read_file(files_, path("nsqd.dat"));
  const auto metadata = text ? Metadata::from_json(*text) : Result<Metadata>(text.error());
  if (metadata) {
    for (const Metadata::Topic& note : metadata->topics) {
      const auto topic = topics.find(note.name);
      if (topic == topics.end()) continue;
      topic->second.known = true;
      topic->second.paused = note.paused;
      for (const Metadata::Channel& channel : note.channels) {
        if (!protocol::is_ephemeral(channel.name)) {
          topic->second.channels[channel.name].is_noted = true;
        }
      }
    }
  }
  for (auto& [name, topic] : topics) {
    if (!topic.known) log::warning("IMPORT: topic {} is not in nsqd.dat", name);
    // A channel nobody noted, and of which there is no message, was deleted.
    std::erase_if(topic.channels, [](const auto& channel) {
      return !channel.second.is_noted && channel.second.data_files.empty();
    });
  }
}

// A topic that has been served here already has a log of its own, which cannot be added to.
Result<void> Import::leave_out_present(Topics& topics) {
  if (!files_.exists(path("topics"))) return {};
  auto directories = files_.list(path("topics"));
  if (!directories) return directories.error();
  for (const std::string& directory : *directories) {
    const auto topic = topics.find(directory.substr(0, directory.rfind('@')));
    if (topic == topics.end()) continue;
    log::error("IMPORT: topic {} has messages here already: its queue files stay where they are",
               topic->first);
    present_.insert(topic->first);
    topics.erase(topic);
  }
  return {};
}

// --- building ----------------------------------------------------------------------------------

Result<void> Import::build() {
  auto names = files_.list(options_.data_path);
  if (!names) return names.error();
  std::sort(names->begin(), names->end());
  Topics topics = find_topics(*names);
  add_noted_topics(topics);
  if (auto done = leave_out_present(topics); !done) return done;
  const std::string list = superfluous(*names);
  if (list.empty()) return {};

  const std::string directory = path(kUnfinished);
  if (auto made = files_.create_directory(directory); !made) return made;
  log::info("IMPORT: importing the queues of {} topics left by nsqd", topics.size());
  const Index first = index_of_time(now_);
  for (const auto& [name, topic] : topics) {
    TopicImport import({options_, files_, is_stopping_, summary_}, topic,
                       fmt::format("{}/{}@{}", directory, name, first), first);
    if (auto done = import.run(); !done) return done;
  }
  const std::string list_path = fmt::format("{}/{}", directory, kFileList);
  if (auto done = storage::replace_file(files_, list_path, list); !done) return done;
  if (auto done = copy_metadata(); !done) return done;
  if (auto done = files_.sync_directory(directory); !done) return done;
  log::info("IMPORT: {} messages in {} topics, {} damaged places", summary_.messages,
            summary_.topics, summary_.damaged);
  finished_ = free_name();
  if (auto done = files_.rename(directory, path(finished_)); !done) return done;
  return files_.sync_directory(options_.data_path);
}

// The files that are of no use any more once the import is done.
std::string Import::superfluous(const std::vector<std::string>& names) const {
  std::string list;
  for (const std::string& name : names) {
    const auto file = parse_diskqueue_name(name);
    if (file && !present_.contains(file->topic)) list += name + "\n";
  }
  return list;
}

Result<void> Import::copy_metadata() {
  if (!files_.exists(path("nsqd.dat"))) return {};
  const auto text = storage::read_file(files_, path("nsqd.dat"));
  if (!text) return text.error();
  return storage::replace_file(files_, path(kUnfinished) + "/nsqd.dat", *text);
}

// "importing.20261121T140102Z", or with a number where that has been used.
std::string Import::free_name() {
  const std::string time =
      fmt::format("{:%Y%m%dT%H%M%SZ}", fmt::gmtime(static_cast<std::time_t>(now_.seconds())));
  std::string stamp = time;
  for (int number = 2; files_.exists(path("imported." + stamp)); ++number) {
    stamp = fmt::format("{}-{}", time, number);
  }
  return std::string(kPrefix) + stamp;
}

// --- installing --------------------------------------------------------------------------------

// Nothing is to be moved into a directory that a power failure can take away.
Result<void> Import::make_durable_directory(const std::string& directory) {
  if (auto made = files_.create_directory(directory); !made) return made;
  return files_.sync_directory(options_.data_path);
}

// Each step may have been done before, by a start that did not come to the end.
Result<void> Import::install(const std::string& name) {
  const std::string from = path(name);
  const std::string kept = path("imported." + name.substr(kPrefix.size()));
  auto entries = files_.list(from);
  if (!entries) return entries.error();
  if (auto made = make_durable_directory(path("topics")); !made) return made;
  for (const std::string& entry : *entries) {
    if (entry.find('@') == std::string::npos) continue;
    if (auto moved = files_.rename(from + "/" + entry, path("topics/" + entry)); !moved) {
      return moved;
    }
  }
  if (auto done = files_.sync_directory(path("topics")); !done) return done;
  if (auto done = files_.sync_directory(from); !done) return done;
  if (files_.exists(from + "/" + std::string(kFileList))) {
    const auto list = storage::read_file(files_, from + "/" + std::string(kFileList));
    if (!list) return list.error();
    if (auto made = make_durable_directory(kept); !made) return made;
    if (auto done = move_away(*list, kept); !done) return done;
    if (files_.exists(from + "/nsqd.dat")) {
      if (auto done = files_.rename(from + "/nsqd.dat", kept + "/nsqd.dat"); !done) return done;
    }
    if (auto done = files_.sync_directory(kept); !done) return done;
    if (auto done = files_.sync_directory(options_.data_path); !done) return done;
  }
  log::info("IMPORT: done; nsqd's files are in {}, and no longer needed", kept);
  if (auto done = files_.remove_tree(from); !done) return done;
  return files_.sync_directory(options_.data_path);
}

Result<void> Import::move_away(const std::string& list, const std::string& kept) {
  for (std::size_t begin = 0; begin < list.size();) {
    const std::size_t end = std::min(list.find('\n', begin), list.size());
    const std::string name = list.substr(begin, end - begin);
    begin = end + 1;
    if (!files_.exists(path(name))) continue;
    if (auto moved = files_.rename(path(name), kept + "/" + name); !moved) return moved;
  }
  return {};
}

}  // namespace

Result<ImportSummary> import_diskqueues(const ImportOptions& options, storage::FileSystem& files,
                                        Timestamp now, const std::function<bool()>& is_stopping) {
  return Import(options, files, now, is_stopping).run();
}

}  // namespace nsq::broker
