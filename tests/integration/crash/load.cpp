#include "integration/crash/load.h"

#include <deque>
#include <optional>
#include <unordered_map>

#include "support/tcp.h"

namespace nsq::crash {
namespace {

using namespace std::chrono_literals;
using test::ConnectionLost;
using test::Frame;
using test::HttpClient;
using test::WireClient;

// An id no message has: the daemon answers a FIN of it with an error, which says that it has taken
// everything that was sent before.
constexpr std::string_view kNobodysId = "ffffffffffffffff";
constexpr int kMessageTimeoutMs = 1000;
constexpr const char* kLocalhost = "127.0.0.1";

void append_size(std::string& to, std::size_t value) {
  for (const int shift : {24, 16, 8, 0}) to += static_cast<char>(value >> shift & 0xff);
}

void identify(WireClient& client) {
  const std::string body = "{\"msg_timeout\":" + std::to_string(kMessageTimeoutMs) + "}";
  std::string command = "IDENTIFY\n";
  append_size(command, body.size());
  client.expect_ok(command + body);
}

// One consumer's conversation: what it was sent, what it answers, and which of its finishes the
// daemon is known to have taken.
class Conversation {
 public:
  Conversation(Ledger& ledger, Ports ports, std::string channel, int ready_count)
      : ledger_(ledger), channel_(std::move(channel)), client_(kLocalhost, ports.tcp) {
    identify(client_);
    client_.expect_ok("SUB " + ledger_.topic() + " " + channel_ + "\n");
    client_.send("RDY " + std::to_string(ready_count) + "\n");
  }

  struct Delivery {
    Number number = 0;
    std::uint16_t attempts = 0;
    std::string id;
    std::optional<Clock::time_point> due = {};  // requeued until then
  };

  // The messages that have come, waiting for one if there is none.
  std::vector<Delivery> take(Milliseconds wait) {
    std::vector<Delivery> taken;
    for (auto frame = client_.next_frame(wait); frame; frame = client_.buffered_frame()) {
      if (frame->type == Frame::kMessage) {
        const std::uint16_t attempts = frame->attempts();
        const Number number = ledger_.delivered(channel_, frame->body(), attempts);
        if (number != 0) taken.push_back({number, attempts, std::string(frame->id())});
      } else if (frame->type == Frame::kError) {
        on_error(std::string(frame->data));
      }
    }
    return taken;
  }

  void finish(const Delivery& delivery) {
    ledger_.finish_sent(channel_, delivery.number);
    test::append_fin(commands_, delivery.id);
    answered_.push_back(delivery);
  }
  void requeue(Delivery delivery, int delay_ms) {
    commands_ += "REQ " + delivery.id + " " + std::to_string(delay_ms) + "\n";
    delivery.due = Clock::now() + Milliseconds(delay_ms);
    answered_.push_back(std::move(delivery));
  }
  void touch(const Delivery& delivery) { commands_ += "TOUCH " + delivery.id + "\n"; }

  void send() {
    if (commands_.empty()) return;
    if (!answered_.empty()) {
      test::append_fin(commands_, kNobodysId);
      unconfirmed_.push_back(std::move(answered_));
      answered_.clear();
    }
    client_.send(commands_);
    commands_.clear();
  }

 private:
  void on_error(const std::string& text) {
    constexpr std::string_view kFailed = "E_FIN_FAILED FIN ";
    static_assert(kFailed.size() == std::string_view("E_REQ_FAILED REQ ").size());
    if (text.starts_with("E_TOUCH_FAILED")) return;
    if (!text.starts_with(kFailed) && !text.starts_with("E_REQ_FAILED REQ ")) {
      throw std::runtime_error(text);
    }
    const std::string id = text.substr(kFailed.size(), kNobodysId.size());
    if (unconfirmed_.empty()) throw std::runtime_error("an answer to nothing: " + text);
    auto& oldest = unconfirmed_.front();
    if (id != kNobodysId) {  // timed out before
      std::erase_if(oldest, [&](const Delivery& each) { return each.id == id; });
      return;
    }
    for (const Delivery& each : oldest) {
      if (each.due) {
        ledger_.requeue_taken(channel_, each.number, each.attempts, *each.due);
      } else {
        ledger_.finish_taken(channel_, each.number, each.attempts);
      }
    }
    unconfirmed_.pop_front();
  }

  Ledger& ledger_;
  const std::string channel_;
  WireClient client_;
  std::string commands_;
  std::vector<Delivery> answered_;
  std::deque<std::vector<Delivery>> unconfirmed_;  // by the FIN of nobody's id that follows them
};

}  // namespace

// --- publishing --------------------------------------------------------------------------------

void publish(Ledger& ledger, Ports ports, PublishStyle style) {
  WireClient client(kLocalhost, ports.tcp);
  std::deque<Number> unanswered;  // the first number of each command
  Number sent = 0;
  while (sent < style.most || !unanswered.empty()) {
    while (sent < style.most && unanswered.size() < style.window) {
      const auto due =
          style.delay_ms > 0 ? Clock::now() + Milliseconds(style.delay_ms) : Clock::time_point{};
      const Number first = ledger.take_numbers(style.batch, due);
      std::vector<std::string> bodies;
      for (Number i = 0; i < style.batch; ++i) bodies.push_back(ledger.body_of(first + i));
      std::string command;
      if (style.batch > 1) {
        test::append_mpub(command, ledger.topic(), bodies);
      } else if (style.delay_ms > 0) {
        test::append_dpub(command, ledger.topic(), style.delay_ms, bodies.front());
      } else {
        test::append_pub(command, ledger.topic(), bodies.front());
      }
      client.send(command);
      unanswered.push_back(first);
      sent += style.batch;
    }
    const auto frame = client.next_frame(20s);
    if (!frame) throw std::runtime_error("a publish was not answered for 20 s");
    if (frame->data != "OK") throw std::runtime_error("refused: " + std::string(frame->data));
    ledger.acknowledge(unanswered.front(), style.batch);
    unanswered.pop_front();
  }
}

void publish_over_http(Ledger& ledger, Ports ports, Number most) {
  HttpClient client(kLocalhost, ports.http);
  for (Number sent = 0; sent < most; ++sent) {
    const Number number = ledger.take_numbers(1);
    const auto answer = client.post("/pub?topic=" + ledger.topic(), ledger.body_of(number));
    if (answer.status != 200) throw std::runtime_error("refused: " + answer.body);
    ledger.acknowledge(number, 1);
  }
}

// --- consuming ---------------------------------------------------------------------------------

void consume(Ledger& ledger, Ports ports, const std::string& channel, std::uint64_t seed,
             const std::atomic<bool>& stop) {
  std::mt19937_64 random(seed);
  while (!stop) {
    Conversation conversation(ledger, ports, channel, 1 + static_cast<int>(random() % 300));
    std::vector<Conversation::Delivery> touched;
    const auto leave_at = Clock::now() + Milliseconds(100 + random() % 3000);
    while (!stop && Clock::now() < leave_at) {
      for (const auto& delivery : touched) conversation.finish(delivery);
      touched.clear();
      for (const auto& delivery : conversation.take(10ms)) {
        const auto choice = random() % 100;
        if (choice < 76) {
          conversation.finish(delivery);
        } else if (choice < 83) {
          conversation.requeue(delivery, 0);
        } else if (choice < 92) {
          conversation.requeue(delivery, 1 + static_cast<int>(random() % 700));
        } else if (choice < 99) {
          conversation.touch(delivery);
          touched.push_back(delivery);
        }  // or keeps it, until it times out
      }
      conversation.send();
    }
  }
}

void consume_all(Ledger& ledger, Ports ports, const std::string& channel, Milliseconds most,
                 const std::atomic<bool>& stop) {
  Conversation conversation(ledger, ports, channel, 500);
  const auto end = Clock::now() + most;
  while (!stop && Clock::now() < end) {
    for (const auto& delivery : conversation.take(50ms)) conversation.finish(delivery);
    conversation.send();
  }
}

Worker::Worker(Ledger& ledger, std::function<void()> work)
    : thread_([&ledger, work = std::move(work)] {
        try {
          work();
        } catch (const ConnectionLost&) {
        } catch (const std::exception& error) {
          ledger.violation(error.what());
        }
      }) {}

}  // namespace nsq::crash
