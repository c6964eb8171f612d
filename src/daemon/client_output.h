#pragma once

#include <asio/buffer.hpp>
#include <cstddef>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "broker/deliveries.h"
#include "daemon/frame_bytes.h"
#include "protocol/error_code.h"
#include "protocol/frame.h"

namespace nsq::daemon {

// Frames on their way to one client, to be written with as few and as large writes as possible.
// Small bodies are copied, so that one write has few parts; large ones are sent from where they
// lie in the log, and keep it in memory until then.
//
// Threading: confined.
class ClientOutput {
 public:
  // At most this many parts are offered to one write.
  static constexpr std::size_t kMaxParts = 64;

  bool empty() const { return size_ == 0; }
  // Bytes not written yet, those that are not copied included.
  std::size_t size() const { return size_; }

  // A whole frame, such as protocol::kOkFrame.
  void append(std::string_view frame);
  void append_response(std::string_view data);
  void append_error(const protocol::ProtocolError& error);
  void append(const broker::Deliveries& deliveries);

  // What to write next, in `parts`; valid until anything else is called.
  std::span<const asio::const_buffer> gather(std::span<asio::const_buffer> parts) const;
  // Forgets the first `count` bytes, which have been written.
  void consume(std::size_t count);
  void clear();

 private:
  // A body that is not copied: comes before the byte of `bytes_` at `position`.
  struct Pinned {
    std::size_t position;
    std::string_view body;
    std::shared_ptr<const storage::Chunk> pin;
  };

  void forget_written();

  FrameBytes bytes_;
  std::vector<Pinned> pinned_;
  std::size_t size_ = 0;
  std::size_t written_ = 0;         // of bytes_
  std::size_t pinned_written_ = 0;  // whole ones, of pinned_
};

}  // namespace nsq::daemon
