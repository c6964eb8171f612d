#pragma once

#include <array>
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include "net/layer.h"

namespace nsq::net {

// The snappy framing format: chunks of at most 64 KiB, each with its checksum. A stream identifier
// may come again at any time, as some clients send one with every command.
//
// Holds at most one chunk in each direction, and nothing while both are at rest.
//
// Threading: confined, to one thread at a time.
class SnappyLayer final : public Layer {
 public:
  // Errors: LayerErrc::BadSnappy.
  Result<std::size_t> decode(std::string_view& wire, std::span<char> room) override;
  bool is_at_end() const override { return false; }
  void encode(std::string_view plain, std::string& wire) override;
  void flush(std::string& wire) override;
  // The format has no end of its own.
  void end(std::string& wire) override { flush(wire); }

 private:
  static constexpr std::size_t kHeaderBytes = 4;

  Result<void> take_header(std::string_view& wire);
  Result<void> take_content(std::string_view& wire);
  Result<void> open_chunk(std::string_view content);
  void append_chunk(std::string_view plain, std::string& wire);

  std::string held_back_;  // to encode; less than a chunk
  bool has_begun_ = false;

  bool has_identifier_ = false;
  std::array<unsigned char, kHeaderBytes> header_{};
  std::size_t header_size_ = 0;   // of `header_` there; complete while content is to come
  std::size_t content_size_ = 0;  // still to come of the chunk
  std::string content_;           // of a chunk that is not complete
  std::string opened_;            // the current chunk, decoded
  std::size_t handed_out_ = 0;    // of `opened_`
};

}  // namespace nsq::net
