#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "client/input_buffer.h"
#include "net/layer.h"
#include "nsq/result.h"

namespace nsq::utilities {

// A connection to a daemon as the load uses it: one that never waits, for a loop that looks after
// many. Bytes go out from where they lie and are read in large pieces, so that the tool costs less
// than any daemon it measures.
//
// Errors of every call: a ClientErrc or the operating system's, with the address; the link is of no
// more use.
//
// Threading: confined.
class Link {
 public:
  // Takes over a connected socket that does not block, whose bytes travel in `layers`, which can be
  // empty; `undecoded` was received already and not given to them.
  Link(int descriptor, net::LayerStack layers, std::string undecoded, std::string address);
  ~Link();
  Link(const Link&) = delete;
  Link& operator=(const Link&) = delete;

  int descriptor() const { return descriptor_; }
  const std::string& address() const { return address_; }
  // Whether bytes have to be encoded on their way.
  bool has_layers() const { return layers_.has_value(); }

  // Sends what the kernel takes at once of `bytes`, and says how many that were. Requires: there
  // are no layers, and nothing is unsent.
  Result<std::size_t> send_some(std::string_view bytes);
  // Sends all of it; what the kernel does not take at once is kept.
  Result<void> send(std::string_view bytes);
  bool has_unsent() const { return unsent_at_ < unsent_.size(); }
  Result<void> send_unsent();

  // Takes what has come; false if that is nothing.
  Result<bool> receive();
  // What has been received and not been taken: valid until `receive`.
  std::string_view bytes() const { return input_.bytes(); }
  // So many of them are dealt with. What follows is of no use before it is `wanted` bytes long, as
  // far as that is known: there will be room for it.
  void take(std::size_t bytes, std::size_t wanted = 0) {
    input_.take(bytes);
    wanted_ = wanted;
  }

  // With the address in front.
  Error failure(std::error_code code, std::string_view text) const;

 private:
  Result<std::size_t> receive_wire(char* to, std::size_t room);
  Result<bool> receive_layered();

  int descriptor_;
  std::string address_;
  std::optional<net::LayerStack> layers_;
  client::InputBuffer input_;
  std::size_t wanted_ = 0;  // the next read is for a frame of so many bytes
  std::string wire_;        // received and not decoded
  std::string unsent_;
  std::size_t unsent_at_ = 0;
};

}  // namespace nsq::utilities
