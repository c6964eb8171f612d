#pragma once

#include <algorithm>
#include <array>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "broker/broker.h"
#include "daemon/client_session.h"
#include "protocol/frame_reader.h"
#include "storage/work_queue.h"
#include "support/memory_file_system.h"

namespace nsq::daemon::test {

inline std::string be32(std::size_t value) {
  std::string bytes(4, '\0');
  store_big(bytes.data(), static_cast<std::uint32_t>(value));
  return bytes;
}
inline std::string sized(const std::string& body) {
  return be32(body.size()) + body;
}
inline std::string pub(const std::string& topic, const std::string& body) {
  return "PUB " + topic + "\n" + sized(body);
}
inline std::string mpub(const std::string& topic, const std::vector<std::string>& bodies) {
  std::string content = be32(bodies.size());
  for (const auto& body : bodies) content += sized(body);
  return "MPUB " + topic + "\n" + sized(content);
}

// Work for the disk, done when the test says so.
class ManualWork final : public storage::WorkQueue {
 public:
  void submit(Lane, std::function<void()> work) override { queue_.push_back(std::move(work)); }
  void run() {
    while (!queue_.empty()) {
      const auto work = std::move(queue_.front());
      queue_.pop_front();
      work();
    }
  }

 private:
  std::deque<std::function<void()>> queue_;
};

// A broker in memory and clients without sockets. Time and the disk stand still unless moved.
class SessionFixture {
 public:
  explicit SessionFixture(Options daemon_options = {}, broker::Options broker_options = {})
      : options(std::move(daemon_options)),
        broker(
            std::move(broker_options), "data", "1.4.0", files, work, [](Instant) {}, 1),
        tools(options) {
    REQUIRE(files.create_directory("data"));
    REQUIRE(broker.load(now));
  }

  class Client;
  std::shared_ptr<Client> connect() { return std::make_shared<Client>(*this); }
  // Subscribed and told that messages may come.
  std::shared_ptr<Client> consumer(const std::string& topic, const std::string& channel,
                                   int ready_count);
  void advance(Duration time) {
    now = {now.steady + time, now.wall + time};
    broker.advance(now);
  }

  Options options;
  nsq::test::MemoryFileSystem files;
  ManualWork work;
  Moment now{Instant{std::chrono::hours(1)}, Timestamp{1'700'000'000'000'000'000}};
  broker::Broker broker;
  ClientTools tools;
};

class SessionFixture::Client final : public ClientSession::Owner {
 public:
  explicit Client(SessionFixture& fixture)
      : fixture_(fixture),
        session_(std::make_shared<ClientSession>(*this, fixture.broker, fixture.options,
                                                 fixture.tools, "127.0.0.1:5000", "127.0.0.1",
                                                 fixture.now)) {}
  ~Client() { session_->leave(fixture_.now); }

  // Sends, and lets the session do what it can. Returns the frames it answers with: data as text,
  // messages as "body/attempts".
  std::vector<std::string> say(const std::string& bytes) {
    input_ += bytes;
    return work();
  }
  // The session is told of what the broker has left for it.
  std::vector<std::string> listen() {
    if (!notified_) return {};
    notified_ = false;
    notice_ = session_->on_notices(output_);
    return work();
  }
  // The stream ends here.
  std::vector<std::string> end() {
    session_->on_input_end(input_, output_);
    return take_frames();
  }

  // The id of the latest message received, or of the one before.
  std::string id(std::size_t back = 0) const { return ids_.at(ids_.size() - 1 - back); }
  ClientSession& session() { return *session_; }
  ClientSession::Progress progress() const { return progress_; }
  ClientSession::Notice notice() const { return notice_; }
  bool notified() const { return notified_; }
  std::size_t unread_bytes() const { return input_.size(); }
  std::size_t unwritten_bytes() const { return output_.size(); }
  // From now on nothing is written; what comes stays in the output.
  void stop_reading() { reads_ = false; }
  std::vector<std::string> resume_reading() {
    reads_ = true;
    auto frames = take_frames();
    if (session_->on_output_written()) notified_ = true;
    return frames;
  }

 private:
  void on_session_notices() override { notified_ = true; }
  std::shared_ptr<ClientSession> share_session() override { return session_; }

  std::vector<std::string> work() {
    // A copy of exactly the input, so that a sanitizer sees views that are kept too long.
    const std::vector<char> exact(input_.begin(), input_.end());
    const auto step = session_->execute({exact.data(), exact.size()}, fixture_.now, output_);
    progress_ = step.progress;
    input_.erase(0, step.consumed);
    session_->deliver(fixture_.now, output_);
    return take_frames();
  }

  std::vector<std::string> take_frames() {
    std::vector<std::string> frames;
    if (!reads_) return frames;
    std::string bytes;
    std::array<asio::const_buffer, ClientOutput::kMaxParts> parts;
    // A socket takes as much as it likes.
    while (!output_.empty()) {
      std::string gathered;
      for (const auto& part : output_.gather(parts))
        gathered.append(static_cast<const char*>(part.data()), part.size());
      taken_bytes_ = taken_bytes_ * 7 % 30'011 + 1;
      gathered.resize(std::min(gathered.size(), taken_bytes_));
      output_.consume(gathered.size());
      bytes += gathered;
    }
    protocol::FrameReader reader(10'000'000);
    for (std::string_view rest = bytes; reader.read(rest) == protocol::FrameReader::Outcome::Frame;
         rest.remove_prefix(reader.frame().consumed)) {
      if (!reader.frame().is(protocol::FrameType::Message)) {
        frames.emplace_back(reader.frame().data);
        continue;
      }
      const auto message = protocol::parse_message(reader.frame().data);
      ids_.emplace_back(message->id);
      frames.push_back(std::string(message->body) + "/" + std::to_string(message->attempts));
    }
    return frames;
  }

  SessionFixture& fixture_;
  std::shared_ptr<ClientSession> session_;
  std::string input_;
  ClientOutput output_;
  std::vector<std::string> ids_;
  ClientSession::Progress progress_ = ClientSession::Progress::Open;
  ClientSession::Notice notice_ = ClientSession::Notice::None;
  bool notified_ = false;
  bool reads_ = true;
  std::size_t taken_bytes_ = 1;
};

inline std::shared_ptr<SessionFixture::Client> SessionFixture::consumer(const std::string& topic,
                                                                        const std::string& channel,
                                                                        int ready_count) {
  auto client = connect();
  const auto answer = client->say("SUB " + topic + " " + channel + "\n");
  REQUIRE(answer == std::vector<std::string>{"OK"});
  if (ready_count > 0) client->say("RDY " + std::to_string(ready_count) + "\n");
  return client;
}

}  // namespace nsq::daemon::test
