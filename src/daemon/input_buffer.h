#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string_view>

namespace nsq::daemon {

// What one client has sent and nobody has acted on yet, with room for more.
//
// It is small while little comes, so that an idle connection costs little, grows when reads fill it
// or a command asks for more, and is small again once it was not needed large for a while.
//
// Threading: confined.
class InputBuffer {
 public:
  InputBuffer();

  // From the first byte not consumed on. Valid until the next `prepare`, or `shrink`.
  std::string_view unread() const { return {bytes_.get() + begin_, end_ - begin_}; }
  // Forgets that many bytes from the front of `unread`.
  void consume(std::size_t count);

  // Room for the next read, never empty, in a buffer that can hold `needed` unread bytes in all.
  // Moves what is unread.
  std::span<char> prepare(std::size_t needed);
  // Says that the first `count` bytes of the room are filled.
  void commit(std::size_t count);

  // To be called now and then: gives back memory that was not used since the last call.
  void shrink();

  std::size_t capacity() const { return capacity_; }

 private:
  void move_to(std::size_t capacity);

  std::unique_ptr<char[]> bytes_;
  std::size_t capacity_;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
  std::size_t most_used_ = 0;  // since the last shrink
  bool filled_ = false;        // the last read took all the room there was
};

}  // namespace nsq::daemon
