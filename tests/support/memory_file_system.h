#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include "base/mutex.h"
#include "storage/file_system.h"

namespace nsq::test {

// A file system in memory that forgets what a real one may forget.
//
// It keeps apart what programs see and what is on the "disk": the contents of a file are there
// after File::sync(), its name after sync_directory() of the directory it is in (and those above).
// A crash is a copy: after_kill() and after_power_loss() return the file system a restarted program
// would find, while the old one lives on under those who still hold it, who therefore need not be
// stopped first; images can be taken in the middle of a run, as many as one likes.
//
//   MemoryFileSystem files;
//   ... a program writes ...
//   auto later = files.after_power_loss(seed);
//   ... it starts again on *later ...
//
// Paths: "a/b", "/a/b" and "./a/b" are the same; the root exists, other directories must be made.
// As with the kernel, a file that was removed can still be read and written by who has it open. The
// file system must outlive the files open on it.
//
// Threading: shared.
class MemoryFileSystem final : public storage::FileSystem {
 public:
  enum class Call {
    Open,
    Read,
    Write,
    Sync,
    Truncate,
    Size,
    List,
    CreateDirectory,
    Rename,
    Remove,
    RemoveTree,
    SyncDirectory,
  };
  static constexpr std::size_t kCallKinds = 12;

  MemoryFileSystem();
  ~MemoryFileSystem() override;

  // --- crashes. Limits, failures and the observer are not carried over.

  // What is there when only the process died: everything written.
  std::unique_ptr<MemoryFileSystem> after_kill() const;
  // What is there when the power failed. Without a seed: what was synced and nothing else. With
  // one: of the rest, what the seed picks, in pieces of a sector or less, in any order; a file may
  // have grown over bytes that were not written, which are then zero. Names appear, move and
  // disappear, or not, each by itself.
  std::unique_ptr<MemoryFileSystem> after_power_loss(
      std::optional<std::uint64_t> seed = std::nullopt) const;

  // --- failures

  // The files' contents may have so many bytes together. Writes beyond do what fits and fail with
  // no_space_on_device. Nothing: no limit.
  void set_capacity(std::optional<std::uint64_t> bytes);
  std::uint64_t used_bytes() const;

  // Of the calls of this kind, the `nth` from now (1: the next) and the `times - 1` behind it fail.
  // A failing write has written a part; a failing sync has lost, for good, what it should have made
  // durable, so that a later sync which succeeds proves nothing about it, as on Linux.
  void fail(Call kind, std::uint64_t nth, std::errc error, std::uint64_t times = 1);
  void stop_failing();

  // From now on files say that each write had to wait, or that none had.
  void set_slow(bool slow) { slow_ = slow; }

  // The disk's own mistake, in a byte of a file: also durable.
  void flip_bit(const std::string& path, std::uint64_t byte, unsigned bit);

  // --- observing and editing

  // How many files are open.
  std::size_t open_files() const;
  // How many calls of this kind were made so far.
  std::uint64_t calls(Call kind) const;
  // Called before each call, on the caller's thread, with no lock held: to count, to take a crash
  // image, or to do in between what another thread might do. The path is that of the open for
  // a file's calls.
  using Observer = std::function<void(Call, const std::string& path)>;
  void set_observer(Observer observer);

  // A file's content; empty if it is not there.
  std::string content(const std::string& path) const;
  // Puts a file there, durably. Requires: its directory exists.
  void put(const std::string& path, std::string_view content);

  // --- FileSystem

  Result<std::unique_ptr<storage::File>> open(const std::string& path, Mode mode) override;
  bool exists(const std::string& path) override;
  Result<std::vector<std::string>> list(const std::string& directory) override;
  Result<void> create_directory(const std::string& path) override;
  Result<void> rename(const std::string& from, const std::string& to) override;
  Result<void> remove(const std::string& path) override;
  Result<void> remove_tree(const std::string& path) override;
  Result<void> sync_directory(const std::string& path) override;

 private:
  struct Node;
  struct Change;
  struct Naming;
  class OpenFile;
  using NodePointer = std::shared_ptr<Node>;
  struct Place {
    NodePointer directory;  // none if it does not exist
    std::string name;
  };
  struct Failure {
    std::uint64_t first = 0;  // number of the call; 0: none
    std::uint64_t times = 0;
    std::errc error{};
  };

  std::optional<Error> begin_call(Call kind, const std::string& path);
  std::optional<Error> count_call(Call kind, const std::string& path) NSQ_REQUIRES(mutex_);
  NodePointer find(const std::string& path) const NSQ_REQUIRES(mutex_);
  Place place_of(const std::string& path) const NSQ_REQUIRES(mutex_);
  void name(const NodePointer& directory, const std::string& name, const NodePointer& node)
      NSQ_REQUIRES(mutex_);
  void note_unlinked(const NodePointer& node) NSQ_REQUIRES(mutex_);
  void resize(Node& node, std::uint64_t size) NSQ_REQUIRES(mutex_);
  void apply_names(const NodePointer& directory) NSQ_REQUIRES(mutex_);
  std::uint64_t room_for(const Node& node, std::uint64_t end) const NSQ_REQUIRES(mutex_);

  mutable Mutex mutex_;
  NodePointer root_ NSQ_GUARDED_BY(mutex_);
  std::optional<std::uint64_t> capacity_ NSQ_GUARDED_BY(mutex_);
  std::uint64_t used_ NSQ_GUARDED_BY(mutex_) = 0;
  std::size_t open_files_ NSQ_GUARDED_BY(mutex_) = 0;
  std::array<std::uint64_t, kCallKinds> calls_ NSQ_GUARDED_BY(mutex_){};
  std::atomic<bool> slow_{false};
  std::array<Failure, kCallKinds> failures_ NSQ_GUARDED_BY(mutex_){};
  std::shared_ptr<const Observer> observer_ NSQ_GUARDED_BY(mutex_);
};

}  // namespace nsq::test
