#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "nsq/result.h"

namespace nsq::net {

// What a connection's bytes travel in: TLS, or a compression. It turns what comes over the wire
// into what was meant, and the other way round, and touches no socket; whoever owns both reads and
// writes.
//
// Decoding writes into the caller's room and stops when that is full, so that a few bytes which
// stand for very many cost no memory: what a layer holds is bounded whatever it is fed. Encoding
// may hold bytes back, to do more of them at once, until `flush`.
//
// Threading: confined, to one thread at a time.
class Layer {
 public:
  virtual ~Layer() = default;

  // Decodes from the front of `wire`, which it shortens, into `room`. Returns how many bytes it
  // wrote there: fewer than fit only if all of `wire` is taken and nothing more can be decoded, or
  // the far end has ended its stream. The layer may have something to say to the far end after it:
  // flush.
  // Errors: LayerErrc; the connection is of no more use. What is flushed then tells the far end, as
  // far as the layer has a way to.
  virtual Result<std::size_t> decode(std::string_view& wire, std::span<char> room) = 0;
  // The far end has said, in the layer's own way, that nothing more comes.
  virtual bool is_at_end() const = 0;

  // Appends to `wire` what `plain` becomes. After an error of `decode` nothing is appended.
  virtual void encode(std::string_view plain, std::string& wire) = 0;
  // Appends what was held back, so that the far end can decode all that was encoded. Nothing, if
  // there is nothing.
  virtual void flush(std::string& wire) = 0;
  // Flushes, and tells the far end that nothing more comes, where the layer has a way to. Requires:
  // nothing is encoded after it.
  virtual void end(std::string& wire) = 0;
};

// The layers of one connection, one within the other: compressed bytes in TLS, for instance. It is
// used like a single one.
//
// Threading: confined, to one thread at a time.
class LayerStack {
 public:
  LayerStack();
  ~LayerStack();
  LayerStack(LayerStack&&) noexcept;
  LayerStack& operator=(LayerStack&&) noexcept;

  // The new layer's bytes travel in those of the ones before it, which have decoded `below` of them
  // already. Requires: all that was encoded before is flushed; `below` is empty for the first
  // layer.
  void push(std::unique_ptr<Layer> layer, std::string below = {});
  bool empty() const { return levels_.empty(); }

  // As those of Layer; without any layer, bytes stay what they are.
  Result<std::size_t> decode(std::string_view& wire, std::span<char> room);
  // To be asked after a decode that did not fill its room.
  bool is_at_end() const;
  void encode(std::string_view plain, std::string& wire);
  void flush(std::string& wire);
  void end(std::string& wire);

 private:
  struct Level {
    std::unique_ptr<Layer> layer;
    // Decoded by the levels below, and from `taken` on not yet by this one. Empty most of the time.
    std::string below;
    std::size_t taken = 0;
    std::string encoded;  // working memory: on its way to the level below
  };

  Result<std::size_t> decode(std::size_t level, std::string_view& wire, std::span<char> room);
  void encode(std::size_t level, std::string_view plain, std::string& wire);

  std::vector<Level> levels_;  // the one next to the wire first
};

}  // namespace nsq::net
