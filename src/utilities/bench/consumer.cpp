#include "utilities/bench/consumer.h"

#include <fmt/format.h>

#include "client/commands.h"
#include "nsq/client_error.h"
#include "protocol/frame.h"
#include "utilities/bench/commands.h"

namespace nsq::utilities {

Result<void> Consumer::begin(Instant) {
  client::append_rdy(commands_, task_.ready_count);
  auto sent = link_->send(commands_);
  commands_.clear();
  return sent;
}

Result<void> Consumer::on_readable() {
  const auto received = link_->receive();
  if (!received) return received.error();
  if (!*received) return {};
  const Instant now = course_.clock();
  const auto taken = take_frames(now);
  if (!taken) return taken.error();
  if (taken->messages > 0) {
    Tally::add(tally_.consumed, taken->messages);
    Tally::add(tally_.consumed_bytes, taken->bytes);
    if (taken->redelivered > 0) Tally::add(tally_.redelivered, taken->redelivered);
    tally_.last_message_ns.store(now.since_start().count(), std::memory_order_relaxed);
  }
  if (commands_.empty()) return {};
  auto sent = link_->send(commands_);
  commands_.clear();
  return sent;
}

Result<Consumer::Taken> Consumer::take_frames(Instant now) {
  Taken taken;
  std::string_view rest = link_->bytes();
  const std::size_t received = rest.size();
  auto outcome = frames_.read(rest);
  for (; outcome == protocol::FrameReader::Outcome::Frame; outcome = frames_.read(rest)) {
    const protocol::Frame& frame = frames_.frame();
    const auto done = frame.is(protocol::FrameType::Message) ? take_message(frame.data, now, taken)
                                                             : take_other(frame);
    if (!done) return done.error();
    rest.remove_prefix(frame.consumed);
  }
  if (outcome == protocol::FrameReader::Outcome::BadSize) {
    return link_->failure(ClientErrc::NotNsq, "a frame of an impossible size");
  }
  link_->take(received - rest.size(), frames_.needed_bytes());
  return taken;
}

Result<void> Consumer::take_message(std::string_view data, Instant now, Taken& taken) {
  const auto message = protocol::parse_message(data);
  if (!message) return link_->failure(ClientErrc::NotNsq, "a message without a whole header");
  client::append_fin(commands_, message->id);
  ++taken.messages;
  taken.bytes += message->body.size();
  if (message->attempts > 1) ++taken.redelivered;
  if (task_.marks) time_message(message->body, now);
  return {};
}

Result<void> Consumer::take_other(const protocol::Frame& frame) {
  if (frame.is(protocol::FrameType::Error)) {
    return link_->failure(ClientErrc::Refused, fmt::format("the daemon answered {}", frame.data));
  }
  if (frame.data == protocol::kHeartbeat) client::append_nop(commands_);
  return {};
}

void Consumer::time_message(std::string_view body, Instant now) {
  const Mark mark = body.size() >= Mark::kBytes ? read_mark(body) : Mark{};
  if (body.size() < Mark::kBytes || mark.run != task_.run) return Tally::add(tally_.foreign, 1);
  if (mark.due >= course_.measure_from) tally_.deliveries.add(now - mark.due);
}

}  // namespace nsq::utilities
