#pragma once

#include "support/memory_file_system.h"

// What a MemoryFileSystem is made of; for its own sources.
namespace nsq::test {

// A change of a file's content that is not durable yet.
struct MemoryFileSystem::Change {
  bool truncation = false;
  std::uint64_t offset = 0;  // of what is written; or the new size
  std::string bytes;

  void apply(std::string& content) const {
    if (truncation) {
      content.resize(offset, '\0');
    } else {
      write(content, offset, bytes);
    }
  }
  static void write(std::string& content, std::uint64_t at, std::string_view bytes) {
    if (bytes.empty()) return;
    if (content.size() < at + bytes.size()) content.resize(at + bytes.size(), '\0');
    content.replace(at, bytes.size(), bytes);
  }
};

// A change of names that is not durable yet: `node` leaves `from` and enters `to`, either of which
// may be missing. It waits in the lists of both directories, and happens once.
struct MemoryFileSystem::Naming {
  std::weak_ptr<Node> from;
  std::string from_name;
  std::weak_ptr<Node> to;
  std::string to_name;
  NodePointer node;
  bool done = false;
};

struct MemoryFileSystem::Node {
  explicit Node(bool is_directory) : directory(is_directory) {}

  const bool directory;
  bool linked = true;  // has a name: its content counts as used

  std::string content;
  std::string durable;
  std::vector<Change> changes;

  std::map<std::string, NodePointer> names;
  std::map<std::string, NodePointer> durable_names;
  std::vector<std::shared_ptr<Naming>> namings;
};

}  // namespace nsq::test
