// Does what a daemon does for so many messages, without sockets and on one thread, so that its
// instructions can be counted and the same program counts the same. See `check`, beside this file.
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <deque>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/log.h"
#include "broker/broker.h"
#include "daemon/client_session.h"
#include "protocol/message_id.h"
#include "storage/file_system.h"
#include "storage/work_queue.h"

namespace {

using namespace nsq;

constexpr std::size_t kBodyBytes = 200;
constexpr std::size_t kFrameHeaderBytes = 34;  // size, type, time, attempts, id
constexpr std::size_t kIdAt = 18;

[[noreturn]] void fail(const char* what) {
  std::fprintf(stderr, "session_cost: %s\n", what);
  std::exit(1);
}

// Storage work is done when nothing else is to be done.
class Work final : public storage::WorkQueue {
 public:
  void submit(Lane lane, std::function<void()> work) override {
    // Syncing and clearing up depend on how time passes, which it does not here.
    if (lane == Lane::Sync || lane == Lane::Background) return;
    queue_.push_back(std::move(work));
  }
  bool run() {
    if (queue_.empty()) return false;
    const auto work = std::move(queue_.front());
    queue_.pop_front();
    work();
    return true;
  }

 private:
  std::deque<std::function<void()>> queue_;
};

struct Daemon {
  explicit Daemon(const std::string& path)
      : broker(
            {}, path, "cost", storage::real_file_system(), work, [](Instant) {}, 1),
        tools(options) {
    if (!broker.load(now)) fail("the broker does not start");
  }

  daemon::Options options;
  Work work;
  Moment now{Instant{std::chrono::hours(1)}, Timestamp{1'790'000'000'000'000'000}};
  broker::Broker broker;
  daemon::ClientTools tools;
};

// What is counted: everything but what stands in for sockets and programs at their other ends.
// `check` tells callgrind this function's name, which it must enter and leave in plain sight.
template <typename Work>
[[gnu::noinline]] auto in_daemon(Work work) {
  struct Here {
    ~Here() { asm volatile("" ::: "memory"); }  // `work` is not jumped into for good
  } const here;
  return work();
}

class Client final : public daemon::ClientSession::Owner {
 public:
  explicit Client(Daemon& daemon)
      : daemon_(daemon),
        session_(std::make_shared<daemon::ClientSession>(*this, daemon.broker, daemon.options,
                                                         daemon.tools, "127.0.0.1:5000",
                                                         "127.0.0.1", daemon.now)) {}
  ~Client() { session_->leave(daemon_.now); }

  // What the session answers, as bytes.
  std::string_view say(std::string_view input) {
    written_.clear();
    const auto step = in_daemon([&] { return session_->execute(input, daemon_.now, output_); });
    if (step.consumed != input.size()) fail("a command was not executed");
    return collect();
  }
  // What the broker has for it, if anything.
  std::string_view listen() {
    written_.clear();
    notified_ = false;
    in_daemon([&] { return session_->on_notices(output_); });
    return collect();
  }
  bool notified() const { return notified_; }

 private:
  void on_session_notices() override { notified_ = true; }
  std::shared_ptr<daemon::ClientSession> share_session() override { return session_; }

  std::string_view collect() {
    in_daemon([&] { session_->deliver(daemon_.now, output_); });
    while (!output_.empty()) {
      std::array<asio::const_buffer, daemon::ClientOutput::kMaxParts> parts;
      std::size_t count = 0;
      for (const auto& part : in_daemon([&] { return output_.gather(parts); })) {
        written_.append(static_cast<const char*>(part.data()), part.size());
        count += part.size();
      }
      in_daemon([&] { output_.consume(count); });
    }
    if (in_daemon([&] { return session_->on_output_written(); })) notified_ = true;
    return written_;
  }

  Daemon& daemon_;
  std::shared_ptr<daemon::ClientSession> session_;
  daemon::ClientOutput output_;
  std::string written_;
  bool notified_ = false;
};

std::string size_bytes(std::size_t value) {
  std::string bytes(4, '\0');
  store_big(bytes.data(), static_cast<std::uint32_t>(value));
  return bytes;
}

// A publish of `batch` messages, as it is on the wire.
std::string publish_command(std::size_t batch) {
  const std::string message = size_bytes(kBodyBytes) + std::string(kBodyBytes, 'x');
  if (batch == 1) return "PUB t\n" + message;
  std::string content = size_bytes(batch);
  for (std::size_t i = 0; i < batch; ++i) content += message;
  return "MPUB t\n" + size_bytes(content.size()) + content;
}

void publish(Daemon& daemon, std::size_t messages, std::size_t batch) {
  Client client(daemon);
  const std::string command = publish_command(batch);
  for (std::size_t published = 0; published < messages; published += batch) {
    std::string_view answer = client.say(command);
    // A write that took long, on a busy machine, makes the next ones storage work.
    while (answer.empty()) {
      if (!in_daemon([&] { return daemon.work.run(); }) && !client.notified()) {
        fail("a publish is not answered");
      }
      answer = client.listen();
    }
    if (!answer.ends_with("OK")) fail("a publish was refused");
    while (in_daemon([&] { return daemon.work.run(); })) {
    }
  }
}

// Takes and finishes everything, as a consumer with a large ready count does.
void consume(Daemon& daemon, Client& client, std::size_t messages) {
  std::string finishes;
  std::size_t consumed = 0;
  while (true) {
    std::string_view frames = finishes.empty() ? client.listen() : client.say(finishes);
    finishes.clear();
    while (frames.size() >= kFrameHeaderBytes) {
      finishes += "FIN ";
      finishes += frames.substr(kIdAt, protocol::kMessageIdBytes);
      finishes += '\n';
      frames.remove_prefix(kFrameHeaderBytes + kBodyBytes);
      ++consumed;
    }
    if (!finishes.empty()) continue;
    if (consumed == messages) return;
    if (!in_daemon([&] { return daemon.work.run(); }) && !client.notified())
      fail("messages are missing");
  }
}

void subscribe(Client& client) {
  if (!client.say("SUB t c\n").ends_with("OK")) fail("SUB was refused");
  client.say("RDY 2500\n");
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) {
    std::fprintf(stderr, "usage: session_cost publish|publish-singles|consume|consume-disk N\n");
    return 1;
  }
  const std::string_view mode = argv[1];
  const auto messages = static_cast<std::size_t>(std::strtoull(argv[2], nullptr, 10));
  std::string path = (std::filesystem::temp_directory_path() / "nsq-cost.XXXXXX").string();
  if (mkdtemp(path.data()) == nullptr) fail("no temporary directory");
  {
    Daemon daemon(path);
    // Parts of the memory window, or far more than it holds.
    const std::size_t round = mode == "consume-disk" ? messages : 2000;
    Client consumer(daemon);
    if (mode.starts_with("consume")) subscribe(consumer);
    for (std::size_t done = 0; done < messages; done += round) {
      publish(daemon, round, mode == "publish-singles" ? 1 : 200);
      if (mode.starts_with("consume")) consume(daemon, consumer, round);
    }
  }
  std::filesystem::remove_all(path);
  return 0;
}
