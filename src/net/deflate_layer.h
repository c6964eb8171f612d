#pragma once

#include <memory>

#include "net/layer.h"

namespace nsq::net {

// Raw deflate, without zlib's header: one stream in each direction for the life of the connection,
// each flush ended by an empty stored block.
//
// Costs about 300 KiB of zlib's memory for each connection; a direction that is never used costs
// nothing.
//
// Threading: confined, to one thread at a time.
class DeflateLayer final : public Layer {
 public:
  // The level is that of what is sent, 1 (fast) to 9.
  explicit DeflateLayer(int level);
  ~DeflateLayer() override;

  // Errors: LayerErrc::BadDeflate.
  Result<std::size_t> decode(std::string_view& wire, std::span<char> room) override;
  bool is_at_end() const override { return is_at_end_; }
  void encode(std::string_view plain, std::string& wire) override;
  void flush(std::string& wire) override;
  // The format's own end is not used: no client has ever seen it.
  void end(std::string& wire) override { flush(wire); }

 private:
  struct Inflater;
  struct Deflater;

  void compress(std::string_view plain, int mode, std::string& wire);

  const int level_;
  std::unique_ptr<Inflater> inflater_;
  std::unique_ptr<Deflater> deflater_;
  bool is_at_end_ = false;
  bool holds_back_ = false;  // something was encoded since the last flush
};

}  // namespace nsq::net
