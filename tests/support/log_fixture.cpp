#include "support/log_fixture.h"

#include <algorithm>
#include <stdexcept>

namespace nsq::test {

using namespace storage;

Result<Bodies> read_bodies(MessageLog& log, Index from, Index end) {
  Bodies bodies;
  while (from < end) {
    std::shared_ptr<const Chunk> chunk = log.find_in_memory(from);
    if (!chunk) {
      auto read = log.read(from);
      if (!read) return read.error();
      chunk = std::move(read.value());
    }
    if (!chunk->covers(from)) throw std::logic_error("reading does not get on");
    while (from < end && chunk->covers(from)) {
      const auto record = chunk->find(from);
      if (record) bodies[from] = record->body;
      from = record ? from + 1 : std::max(chunk->next_present(from), from + 1);
    }
  }
  return bodies;
}

LogFixture::LogFixture(LogOptions wanted)
    : files(std::make_unique<MemoryFileSystem>()), options(wanted) {
  const bool made = files->create_directory("data").ok() && files->sync_directory(".").ok();
  if (!made) throw std::logic_error("no directory");
  if (options.identity.seed == 0) options.identity = {0x5eed, 9};
  log = std::make_unique<MessageLog>(*files, kDirectory, options);
}

Result<MessageLog::Recovery> LogFixture::reopen(std::optional<LogPosition> sound) {
  log = std::make_unique<MessageLog>(*files, kDirectory, options);
  return log->recover(sound);
}

void LogFixture::crash() {
  past.push_back(std::exchange(files, files->after_kill()));
}

void LogFixture::lose_power(std::optional<std::uint64_t> seed) {
  past.push_back(std::exchange(files, files->after_power_loss(seed)));
}

IndexRange LogFixture::append_batch(const std::vector<std::string>& batch, Timestamp due) {
  const std::vector<std::string_view> views(batch.begin(), batch.end());
  const IndexRange range = log->append(views, Timestamp{1000}, due);
  for (std::size_t i = 0; i < batch.size(); ++i) bodies[range.begin + i] = batch[i];
  return range;
}

IndexRange LogFixture::append(std::string_view body) {
  return append_batch({std::string(body)});
}

bool LogFixture::write_all() {
  while (log->has_unwritten()) {
    if (log->write()) continue;
    bodies.erase(bodies.lower_bound(log->drop_unwritten()), bodies.end());
    return false;
  }
  return true;
}

bool LogFixture::publish(std::string_view body) {
  return publish_batch({std::string(body)});
}

bool LogFixture::publish_batch(const std::vector<std::string>& batch) {
  append_batch(batch);
  return write_all();
}

Bodies LogFixture::read_all(Index from) {
  auto read = read_bodies(*log, from, log->end());
  if (!read) throw std::runtime_error(read.error().to_string());
  return std::move(read.value());
}

std::map<std::string, std::string> LogFixture::contents() {
  std::map<std::string, std::string> contents;
  const auto names = files->list(kDirectory);
  if (!names) return contents;
  for (const std::string& name : names.value()) {
    contents[name] = files->content(kDirectory + "/" + name);
  }
  return contents;
}

std::vector<std::string> LogFixture::segment_paths() {
  std::vector<std::string> paths;
  for (const auto& [name, content] : contents()) {
    if (name.ends_with(".log")) paths.push_back(kDirectory + "/" + name);
  }
  return paths;
}

}  // namespace nsq::test
