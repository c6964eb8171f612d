#include "support/memory_file_system.h"

#include <algorithm>

#include "support/memory_file_system_node.h"

namespace nsq::test {
namespace {

using storage::File;

Error error(std::errc code, std::string_view operation, const std::string& path) {
  return Error(std::make_error_code(code), std::string(operation) + " " + path);
}

std::vector<std::string> split(const std::string& path) {
  std::vector<std::string> parts;
  std::string part;
  for (const char c : path + "/") {
    if (c != '/') {
      part += c;
    } else if (!part.empty()) {
      if (part != ".") parts.push_back(part);
      part.clear();
    }
  }
  return parts;
}

}  // namespace

class MemoryFileSystem::OpenFile final : public File {
 public:
  OpenFile(MemoryFileSystem& files, std::string path, NodePointer node, bool writable)
      : files_(files), path_(std::move(path)), node_(std::move(node)), writable_(writable) {}
  ~OpenFile() override {
    Lock lock(files_.mutex_);
    --files_.open_files_;
  }

  Result<std::size_t> read_at(std::span<char> into, std::uint64_t offset) override {
    if (auto failed = files_.begin_call(Call::Read, path_)) return *failed;
    Lock lock(files_.mutex_);
    if (offset >= node_->content.size()) return std::size_t{0};
    return node_->content.copy(into.data(), into.size(), offset);
  }

  Result<void> write_at(std::span<const std::string_view> pieces, std::uint64_t offset) override {
    std::string bytes;
    for (const std::string_view piece : pieces) bytes += piece;
    auto failed = files_.begin_call(Call::Write, path_);
    if (!failed && !writable_) failed = error(std::errc::bad_file_descriptor, "write", path_);
    Lock lock(files_.mutex_);
    std::uint64_t fits = failed ? (writable_ ? bytes.size() / 2 : 0) : bytes.size();
    const std::uint64_t room = files_.room_for(*node_, offset + fits);
    if (room < offset + fits) {
      fits = room > offset ? room - offset : 0;
      if (!failed) failed = error(std::errc::no_space_on_device, "write", path_);
    }
    bytes.resize(fits);
    if (!bytes.empty()) {
      files_.resize(*node_, std::max<std::uint64_t>(node_->content.size(), offset + fits));
      Change::write(node_->content, offset, bytes);
      node_->changes.push_back({false, offset, std::move(bytes)});
    }
    if (failed) return *failed;
    return {};
  }

  bool writing_waited() const override { return files_.slow_; }

  Result<void> sync() override {
    auto failed = files_.begin_call(Call::Sync, path_);
    Lock lock(files_.mutex_);
    if (!failed) {
      for (const Change& change : node_->changes) change.apply(node_->durable);
    }
    node_->changes.clear();
    if (failed) return *failed;
    return {};
  }

  Result<void> truncate(std::uint64_t size) override {
    if (auto failed = files_.begin_call(Call::Truncate, path_)) return *failed;
    if (!writable_) return error(std::errc::invalid_argument, "truncate", path_);
    Lock lock(files_.mutex_);
    if (size == node_->content.size()) return {};
    files_.resize(*node_, size);
    node_->changes.push_back({true, size, {}});
    return {};
  }

  Result<std::uint64_t> size() override {
    if (auto failed = files_.begin_call(Call::Size, path_)) return *failed;
    Lock lock(files_.mutex_);
    return std::uint64_t{node_->content.size()};
  }

 private:
  MemoryFileSystem& files_;
  const std::string path_;
  const NodePointer node_;
  const bool writable_;
};

MemoryFileSystem::MemoryFileSystem() : root_(std::make_shared<Node>(true)) {}
MemoryFileSystem::~MemoryFileSystem() = default;

// --- failures, observing and editing -----------------------------------------------------------

void MemoryFileSystem::set_capacity(std::optional<std::uint64_t> bytes) {
  Lock lock(mutex_);
  capacity_ = bytes;
}

std::uint64_t MemoryFileSystem::used_bytes() const {
  Lock lock(mutex_);
  return used_;
}

void MemoryFileSystem::fail(Call kind, std::uint64_t nth, std::errc code, std::uint64_t times) {
  Lock lock(mutex_);
  const auto at = static_cast<std::size_t>(kind);
  failures_[at] = {calls_[at] + nth, times, code};
}

void MemoryFileSystem::stop_failing() {
  Lock lock(mutex_);
  failures_ = {};
}

void MemoryFileSystem::flip_bit(const std::string& path, std::uint64_t byte, unsigned bit) {
  Lock lock(mutex_);
  const NodePointer node = find(path);
  if (!node) return;
  for (std::string* content : {&node->content, &node->durable}) {
    if (byte < content->size()) (*content)[byte] = static_cast<char>((*content)[byte] ^ 1 << bit);
  }
}

std::size_t MemoryFileSystem::open_files() const {
  Lock lock(mutex_);
  return open_files_;
}

std::uint64_t MemoryFileSystem::calls(Call kind) const {
  Lock lock(mutex_);
  return calls_[static_cast<std::size_t>(kind)];
}

void MemoryFileSystem::set_observer(Observer observer) {
  Lock lock(mutex_);
  observer_ = observer ? std::make_shared<const Observer>(std::move(observer)) : nullptr;
}

std::string MemoryFileSystem::content(const std::string& path) const {
  Lock lock(mutex_);
  const NodePointer node = find(path);
  return node ? node->content : std::string();
}

void MemoryFileSystem::put(const std::string& path, std::string_view content) {
  Lock lock(mutex_);
  const Place place = place_of(path);
  if (!place.directory) return;
  const auto found = place.directory->names.find(place.name);
  if (found != place.directory->names.end()) note_unlinked(found->second);
  const NodePointer node = std::make_shared<Node>(false);
  node->content = node->durable = content;
  used_ += content.size();
  apply_names(place.directory);
  place.directory->names[place.name] = place.directory->durable_names[place.name] = node;
}

// Counts a call; says how it fails if it is to fail.
std::optional<Error> MemoryFileSystem::count_call(Call kind, const std::string& path) {
  const auto at = static_cast<std::size_t>(kind);
  const std::uint64_t number = ++calls_[at];
  const Failure& failure = failures_[at];
  if (failure.first == 0 || number < failure.first) return std::nullopt;
  if (number - failure.first >= failure.times) return std::nullopt;
  return error(failure.error, "injected failure on", path);
}

std::optional<Error> MemoryFileSystem::begin_call(Call kind, const std::string& path) {
  std::shared_ptr<const Observer> observer;
  {
    Lock lock(mutex_);
    observer = observer_;
  }
  if (observer) (*observer)(kind, path);
  Lock lock(mutex_);
  return count_call(kind, path);
}

// --- the tree ----------------------------------------------------------------------------------

MemoryFileSystem::NodePointer MemoryFileSystem::find(const std::string& path) const {
  NodePointer node = root_;
  for (const std::string& part : split(path)) {
    const auto found = node->names.find(part);
    if (found == node->names.end()) return nullptr;
    node = found->second;
  }
  return node;
}

MemoryFileSystem::Place MemoryFileSystem::place_of(const std::string& path) const {
  std::vector<std::string> parts = split(path);
  if (parts.empty()) return {};
  Place place;
  place.name = std::move(parts.back());
  parts.pop_back();
  place.directory = root_;
  for (const std::string& part : parts) {
    const auto found = place.directory->names.find(part);
    if (found == place.directory->names.end() || !found->second->directory) return {};
    place.directory = found->second;
  }
  return place;
}

void MemoryFileSystem::name(const NodePointer& directory, const std::string& name,
                            const NodePointer& node) {
  directory->names[name] = node;
  directory->namings.push_back(
      std::make_shared<Naming>(Naming{{}, {}, directory, name, node, false}));
}

void MemoryFileSystem::note_unlinked(const NodePointer& node) {
  if (node->directory) {
    for (const auto& [name, child] : node->names) note_unlinked(child);
  } else if (node->linked) {
    node->linked = false;
    used_ -= node->content.size();
  }
}

void MemoryFileSystem::resize(Node& node, std::uint64_t size) {
  if (node.linked) used_ = used_ - node.content.size() + size;
  node.content.resize(size, '\0');
}

// Makes all that happened to the names of a directory durable.
void MemoryFileSystem::apply_names(const NodePointer& directory) {
  for (const auto& naming : directory->namings) {
    if (std::exchange(naming->done, true)) continue;
    if (const auto from = naming->from.lock()) {
      const auto found = from->durable_names.find(naming->from_name);
      if (found != from->durable_names.end() && found->second == naming->node)
        from->durable_names.erase(found);
    }
    if (const auto to = naming->to.lock()) to->durable_names[naming->to_name] = naming->node;
  }
  directory->namings.clear();
}

// How far the file may reach, if it wants to reach `end`.
std::uint64_t MemoryFileSystem::room_for(const Node& node, std::uint64_t end) const {
  if (!capacity_ || end <= node.content.size()) return end;
  const std::uint64_t free = *capacity_ > used_ ? *capacity_ - used_ : 0;
  return std::min(end, node.content.size() + free);
}

// --- FileSystem --------------------------------------------------------------------------------

Result<std::unique_ptr<File>> MemoryFileSystem::open(const std::string& path, Mode mode) {
  if (auto failed = begin_call(Call::Open, path)) return *failed;
  Lock lock(mutex_);
  const Place place = place_of(path);
  if (!place.directory) return error(std::errc::no_such_file_or_directory, "open", path);
  const auto found = place.directory->names.find(place.name);
  NodePointer node = found == place.directory->names.end() ? nullptr : found->second;
  if (!node) {
    if (mode != Mode::Create) return error(std::errc::no_such_file_or_directory, "open", path);
    node = std::make_shared<Node>(false);
    name(place.directory, place.name, node);
  }
  if (node->directory) return error(std::errc::is_a_directory, "open", path);
  ++open_files_;
  return std::unique_ptr<File>(
      std::make_unique<OpenFile>(*this, path, std::move(node), mode != Mode::Read));
}

bool MemoryFileSystem::exists(const std::string& path) {
  Lock lock(mutex_);
  return find(path) != nullptr;
}

Result<std::vector<std::string>> MemoryFileSystem::list(const std::string& directory) {
  if (auto failed = begin_call(Call::List, directory)) return *failed;
  Lock lock(mutex_);
  const NodePointer node = find(directory);
  if (!node) return error(std::errc::no_such_file_or_directory, "list", directory);
  if (!node->directory) return error(std::errc::not_a_directory, "list", directory);
  std::vector<std::string> names;
  for (const auto& [name, child] : node->names) names.push_back(name);
  // A directory has no order; whoever relies on one should notice.
  std::shuffle(names.begin(), names.end(), std::minstd_rand(static_cast<unsigned>(names.size())));
  return names;
}

Result<void> MemoryFileSystem::create_directory(const std::string& path) {
  if (auto failed = begin_call(Call::CreateDirectory, path)) return *failed;
  Lock lock(mutex_);
  if (find(path)) return {};
  const Place place = place_of(path);
  if (!place.directory) return error(std::errc::no_such_file_or_directory, "create", path);
  name(place.directory, place.name, std::make_shared<Node>(true));
  return {};
}

Result<void> MemoryFileSystem::rename(const std::string& from, const std::string& to) {
  if (auto failed = begin_call(Call::Rename, from)) return *failed;
  Lock lock(mutex_);
  const Place source = place_of(from);
  const Place target = place_of(to);
  const NodePointer node = find(from);
  if (!source.directory || !target.directory || !node)
    return error(std::errc::no_such_file_or_directory, "rename", from);
  const auto replaced = target.directory->names.find(target.name);
  if (replaced != target.directory->names.end()) {
    if (replaced->second == node) return {};
    if (replaced->second->directory && !replaced->second->names.empty())
      return error(std::errc::directory_not_empty, "rename", from);
    note_unlinked(replaced->second);
  }
  source.directory->names.erase(source.name);
  target.directory->names[target.name] = node;
  const auto naming = std::make_shared<Naming>(
      Naming{source.directory, source.name, target.directory, target.name, node, false});
  source.directory->namings.push_back(naming);
  if (target.directory != source.directory) target.directory->namings.push_back(naming);
  return {};
}

Result<void> MemoryFileSystem::remove(const std::string& path) {
  if (auto failed = begin_call(Call::Remove, path)) return *failed;
  Lock lock(mutex_);
  const Place place = place_of(path);
  const NodePointer node = find(path);
  if (!node || !place.directory) return error(std::errc::no_such_file_or_directory, "remove", path);
  if (node->directory) return error(std::errc::is_a_directory, "remove", path);
  note_unlinked(node);
  place.directory->names.erase(place.name);
  place.directory->namings.push_back(
      std::make_shared<Naming>(Naming{place.directory, place.name, {}, {}, node, false}));
  return {};
}

Result<void> MemoryFileSystem::remove_tree(const std::string& path) {
  if (auto failed = begin_call(Call::RemoveTree, path)) return *failed;
  Lock lock(mutex_);
  const Place place = place_of(path);
  const NodePointer node = find(path);
  if (!node || !place.directory) return {};
  note_unlinked(node);
  place.directory->names.erase(place.name);
  place.directory->namings.push_back(
      std::make_shared<Naming>(Naming{place.directory, place.name, {}, {}, node, false}));
  return {};
}

Result<void> MemoryFileSystem::sync_directory(const std::string& path) {
  auto failed = begin_call(Call::SyncDirectory, path);
  Lock lock(mutex_);
  const NodePointer node = find(path);
  if (!node || !node->directory) return error(std::errc::no_such_file_or_directory, "sync", path);
  if (failed) return *failed;
  apply_names(node);
  return {};
}

}  // namespace nsq::test
