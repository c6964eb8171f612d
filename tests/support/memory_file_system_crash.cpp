// The file system a program finds that starts again after a crash.
#include <algorithm>
#include <set>
#include <unordered_map>

#include "support/memory_file_system.h"
#include "support/memory_file_system_node.h"

namespace nsq::test {
namespace {

// What a disk writes in one go.
constexpr std::uint64_t kSectorBytes = 512;

// Decides what of the unsynced changes the power failure lets through.
class Luck {
 public:
  explicit Luck(std::optional<std::uint64_t> seed) : any_(seed), random_(seed.value_or(0)) {
    static constexpr double kChances[] = {0.0, 0.05, 0.5, 0.5, 0.95, 1.0};
    chance_ = any_ ? kChances[random_() % std::size(kChances)] : 0.0;
  }

  bool holds() { return any_ && std::bernoulli_distribution(chance_)(random_); }
  std::uint64_t below(std::uint64_t limit) { return random_() % limit; }

 private:
  const bool any_;
  std::mt19937_64 random_;
  double chance_ = 0;
};

}  // namespace

std::unique_ptr<MemoryFileSystem> MemoryFileSystem::after_kill() const {
  auto image = std::make_unique<MemoryFileSystem>();
  std::unordered_map<const Node*, NodePointer> copies;
  // Everything is copied, also what waits to become durable: the power may fail after this.
  const std::function<NodePointer(const NodePointer&)> copy = [&](const NodePointer& node) {
    if (!node) return NodePointer();
    auto& known = copies[node.get()];
    if (known) return known;
    const NodePointer made = std::make_shared<Node>(node->directory);
    known = made;
    made->linked = node->linked;
    made->content = node->content;
    made->durable = node->durable;
    made->changes = node->changes;
    for (const auto& [name, child] : node->names) made->names[name] = copy(child);
    for (const auto& [name, child] : node->durable_names) made->durable_names[name] = copy(child);
    return made;
  };
  std::unordered_map<const Naming*, std::shared_ptr<Naming>> namings;
  Lock lock(mutex_);
  Lock image_lock(image->mutex_);
  image->root_ = copy(root_);
  image->used_ = used_;
  const auto originals = copies;  // copying the namings adds to the other
  for (const auto& [node, made] : originals) {
    for (const auto& naming : node->namings) {
      auto& copied = namings[naming.get()];
      if (!copied) {
        copied = std::make_shared<Naming>(*naming);
        copied->node = copy(naming->node);
        copied->from = copy(naming->from.lock());
        copied->to = copy(naming->to.lock());
      }
      made->namings.push_back(copied);
    }
  }
  return image;
}

std::unique_ptr<MemoryFileSystem> MemoryFileSystem::after_power_loss(
    std::optional<std::uint64_t> seed) const {
  auto image = std::make_unique<MemoryFileSystem>();
  Luck luck(seed);
  std::map<const Naming*, bool> decided;
  std::set<const Node*> stuck;  // a naming of theirs was lost, and so are those that followed

  const auto happens = [&](const Naming& naming) {
    const auto [known, fresh] = decided.try_emplace(&naming, false);
    if (fresh) {
      known->second = !stuck.contains(naming.node.get()) && luck.holds();
      if (!known->second) stuck.insert(naming.node.get());
    }
    return known->second;
  };
  const auto surviving_content = [&](const Node& node) {
    std::string content = node.durable;
    for (const Change& change : node.changes) {
      if (change.truncation) {
        if (luck.holds()) change.apply(content);
        continue;
      }
      for (std::uint64_t at = 0; at < change.bytes.size();) {
        const std::uint64_t sector_left = kSectorBytes - (change.offset + at) % kSectorBytes;
        const std::uint64_t size = std::min<std::uint64_t>(sector_left, change.bytes.size() - at);
        if (luck.holds()) {
          const bool torn = luck.below(16) == 0;
          const std::uint64_t kept = torn ? luck.below(size + 1) : size;
          Change::write(content, change.offset + at,
                        std::string_view(change.bytes).substr(at, kept));
        }
        at += size;
      }
    }
    return content;
  };
  const std::function<NodePointer(const NodePointer&)> revive = [&](const NodePointer& node) {
    const NodePointer made = std::make_shared<Node>(node->directory);
    if (!node->directory) {
      made->content = made->durable = surviving_content(*node);
      return made;
    }
    auto names = node->durable_names;
    for (const auto& naming : node->namings) {
      if (naming->done || !happens(*naming)) continue;
      if (naming->from.lock() == node && names[naming->from_name] == naming->node)
        names.erase(naming->from_name);
      if (naming->to.lock() == node) names[naming->to_name] = naming->node;
    }
    for (const auto& [name, child] : names) {
      if (child) made->names[name] = revive(child);
    }
    made->durable_names = made->names;
    return made;
  };
  Lock lock(mutex_);
  Lock image_lock(image->mutex_);
  image->root_ = revive(root_);
  const std::function<std::uint64_t(const Node&)> bytes_in = [&](const Node& node) {
    std::uint64_t bytes = node.content.size();
    for (const auto& [name, child] : node.names) bytes += bytes_in(*child);
    return bytes;
  };
  image->used_ = bytes_in(*image->root_);
  return image;
}

}  // namespace nsq::test
