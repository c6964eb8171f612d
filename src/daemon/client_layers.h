#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include "daemon/client_output.h"
#include "daemon/input_buffer.h"
#include "net/layer.h"
#include "nsq/result.h"

namespace nsq::daemon {

// What one client's bytes travel in once it has asked for TLS or compression, and the bytes on
// their way through it: received and not decoded, encoded and not written. The former is bounded by
// one read, the latter by what one call encodes; whatever more there is waits as frames, which
// count against the client.
//
// Threading: confined, with its connection.
class ClientLayers {
 public:
  // As net::LayerStack's.
  void push(std::unique_ptr<net::Layer> layer, std::string below = {});

  // --- what comes

  // Adds what was read from the socket.
  void receive(std::string_view bytes);
  // Decodes some of it into a buffer that can hold `needed` unread bytes. Returns how many bytes it
  // added; 0 if it takes more from the socket to go on, or there will be none.
  // Errors: those of the layers.
  Result<std::size_t> decode(InputBuffer& input, std::size_t needed);
  // False if the next decode would add nothing, before more is received.
  bool may_decode_more() const { return filled_room_ || decoded_ < received_.size(); }
  // The client has said that nothing more comes. To be asked after a decode that added nothing.
  bool is_at_end() const { return stack_.is_at_end(); }

  // --- what goes

  // Takes some frames from the output, which is flushed once none are left.
  void encode(ClientOutput& output);
  void encode_all(ClientOutput& output);
  // The last of what there is to write. Idempotent.
  void end();
  // To be written to the socket, and told that it was.
  std::string_view unwritten() const { return std::string_view(encoded_).substr(written_); }
  void consume_written(std::size_t count);

 private:
  static constexpr std::size_t kEncodedBytes = std::size_t{64} << 10;
  static constexpr std::size_t kDecodedBytes = std::size_t{64} << 10;

  net::LayerStack stack_;
  std::string received_;  // from `decoded_` on not decoded
  std::size_t decoded_ = 0;
  bool filled_room_ = false;  // the last decode did, and may have left something behind
  std::string encoded_;       // from `written_` on not written
  std::size_t written_ = 0;
  bool has_ended_ = false;
};

}  // namespace nsq::daemon
