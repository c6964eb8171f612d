#include <sys/socket.h>
#include <unistd.h>

#include <string>

#include "protocol/frame.h"
#include "support/catch.h"
#include "utilities/bench/consumer.h"
#include "utilities/bench/publisher.h"

using namespace nsq::utilities;
using namespace std::chrono_literals;
using nsq::Duration;
using nsq::Instant;

namespace {

Instant now_;  // what the sessions' clock shows

// A session's connection, and the daemon's end of it, which the test plays.
class Wire {
 public:
  Wire() { REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends_) == 0); }
  ~Wire() { close(); }

  std::unique_ptr<Link> link() {
    return std::make_unique<Link>(ends_[0], nsq::net::LayerStack(), "", "daemon");
  }
  std::string received() {
    std::string text(1 << 20, ' ');
    const ssize_t count = ::recv(ends_[1], text.data(), text.size(), 0);
    text.resize(count > 0 ? static_cast<std::size_t>(count) : 0);
    return text;
  }
  void say(std::string_view bytes) {
    REQUIRE(::send(ends_[1], bytes.data(), bytes.size(), MSG_NOSIGNAL) ==
            static_cast<ssize_t>(bytes.size()));
  }
  // As much of it as there is room for.
  std::size_t say_some(std::string_view bytes) {
    const ssize_t count = ::send(ends_[1], bytes.data(), bytes.size(), MSG_NOSIGNAL);
    return count > 0 ? static_cast<std::size_t>(count) : 0;
  }
  void close() {
    if (ends_[1] >= 0) ::close(ends_[1]);
    ends_[1] = -1;
  }

 private:
  int ends_[2] = {-1, -1};
};

struct Fixture {
  Wire wire;
  Course course;
  Tally tally;

  Fixture() {
    now_ = Instant(1h);
    course.clock = [] { return now_; };
    course.start = now_;
    course.measure_from = now_;
  }

  // Of single messages of 16 bytes: a command is "PUB t\n", a size and these.
  Publisher publisher(PublishTask task, std::size_t window) {
    task.window = window;
    return Publisher(wire.link(), std::make_unique<FrameAnswerReader>(),
                     make_command_block("t", 16, 1, window + 1), task, course, tally);
  }
};

constexpr std::size_t kCommandBytes = 6 + 4 + 16;

}  // namespace

TEST_CASE("without a rate a publisher keeps its window full until its commands are sent",
          "[utilities]") {
  Fixture f;
  Publisher publisher = f.publisher({.commands = 5}, 2);
  REQUIRE(publisher.begin(now_));
  CHECK(f.wire.received().size() == 2 * kCommandBytes);
  CHECK(publisher.next_due() == Instant::never());

  now_ = now_ + 3ms;
  f.wire.say(nsq::protocol::kOkFrame);
  REQUIRE(publisher.on_readable());
  CHECK(f.wire.received().size() == kCommandBytes);
  CHECK(f.tally.published == 1);
  CHECK(f.tally.answers.max() == 3ms);

  const std::string two = std::string(nsq::protocol::kOkFrame).append(nsq::protocol::kOkFrame);
  f.wire.say(two);
  REQUIRE(publisher.on_readable());
  CHECK(f.tally.published == 3);
  CHECK(f.wire.received().size() == 2 * kCommandBytes);
  CHECK_FALSE(publisher.is_done());
  f.wire.say(two);
  REQUIRE(publisher.on_readable());
  CHECK(f.tally.published == 5);
  CHECK(publisher.is_done());

  f.wire.say(nsq::protocol::kOkFrame);
  const auto unasked = publisher.on_readable();
  REQUIRE_FALSE(unasked);
  CHECK(unasked.error().to_string().find("daemon: the daemon answered more than it was asked") ==
        0);
}

TEST_CASE("a daemon that stalls is charged for every message that was due meanwhile",
          "[utilities]") {
  Fixture f;
  f.course.send_until = now_ + 1s;
  Publisher publisher = f.publisher({.interval = 10ms}, 1);
  REQUIRE(publisher.begin(now_));
  CHECK(f.wire.received().size() == kCommandBytes);

  // Its window is full: it has nothing to do before the daemon says something, a second later.
  CHECK(publisher.next_due() == Instant::never());
  now_ = now_ + 1s;
  int answers = 0;
  while (!publisher.is_done()) {
    f.wire.say(nsq::protocol::kOkFrame);
    REQUIRE(publisher.on_readable());
    ++answers;
    REQUIRE(answers <= 100);
  }
  // One message was slow, by what was sent and answered. By what was due, the one of the beginning
  // waited for a second, the next one 10 ms less, and so on.
  CHECK(answers == 100);
  CHECK(f.tally.answers.count() == 100);
  CHECK(f.tally.answers.max() == 1s);
  CHECK(f.tally.answers.min() == 10ms);
  CHECK(f.tally.answers.mean() == 505ms);
  const Duration median = f.tally.answers.percentile(0.5);
  CHECK(median >= 500ms);
  CHECK(median <= 502ms);
  CHECK(f.tally.lateness.max() == 990ms);
}

TEST_CASE("at a rate commands go out when they are due, marked with that time", "[utilities]") {
  Fixture f;
  Publisher publisher = f.publisher({.first = 1ms, .interval = 2ms, .run = 77, .marks = true}, 100);
  REQUIRE(publisher.begin(now_));
  CHECK(f.wire.received().empty());
  CHECK(publisher.next_due() == now_ + 1ms);
  REQUIRE(publisher.on_due(now_ + 3500us));
  const std::string sent = f.wire.received();
  REQUIRE(sent.size() == 2 * kCommandBytes);
  const Mark first = read_mark(std::string_view(sent).substr(kCommandBytes - 16, 16));
  const Mark second = read_mark(std::string_view(sent).substr(2 * kCommandBytes - 16, 16));
  CHECK(first.run == 77);
  CHECK(first.due == now_ + 1ms);
  CHECK(second.due == now_ + 3ms);
  CHECK(publisher.next_due() == now_ + 5ms);
}

TEST_CASE("what begins while warming up is counted and not timed", "[utilities]") {
  Fixture f;
  f.course.measure_from = now_ + 1s;
  Publisher publisher = f.publisher({.commands = 2}, 1);
  REQUIRE(publisher.begin(now_));
  now_ = now_ + 2s;
  f.wire.say(nsq::protocol::kOkFrame);
  REQUIRE(publisher.on_readable());
  CHECK(f.tally.answers.count() == 0);
  now_ = now_ + 5ms;
  f.wire.say(nsq::protocol::kOkFrame);
  REQUIRE(publisher.on_readable());
  CHECK(f.tally.answers.count() == 1);
  CHECK(f.tally.answers.max() == 5ms);
  CHECK(f.tally.published == 2);
}

TEST_CASE("a heartbeat is answered between two commands, never within one", "[utilities]") {
  Fixture f;
  // Far more than a socket takes at once.
  Publisher publisher(f.wire.link(), std::make_unique<FrameAnswerReader>(),
                      make_command_block("t", 400'000, 1, 8), {.commands = 8, .window = 8},
                      f.course, f.tally);
  REQUIRE(publisher.begin(now_));
  REQUIRE(publisher.wants_to_write());
  f.wire.say(nsq::protocol::kHeartbeatFrame);
  REQUIRE(publisher.on_readable());
  std::string sent;
  for (int i = 0; i < 1000 && (publisher.wants_to_write() || i == 0); ++i) {
    sent += f.wire.received();
    REQUIRE(publisher.on_writable());
  }
  while (true) {
    const std::string rest = f.wire.received();
    if (rest.empty()) break;
    sent += rest;
  }
  const std::size_t command_bytes = 6 + 4 + 400'000;
  REQUIRE(sent.size() == 8 * command_bytes + 4);
  const std::size_t at = sent.find("NOP\n");
  REQUIRE(at != std::string::npos);
  CHECK(at % command_bytes == 0);
}

TEST_CASE("an answer that is an error ends a publisher, and so does the end of the connection",
          "[utilities]") {
  Fixture f;
  Publisher publisher = f.publisher({}, 1);
  REQUIRE(publisher.begin(now_));
  std::string answer;
  nsq::protocol::append_frame(answer, nsq::protocol::FrameType::Error, "E_BAD_TOPIC no");
  f.wire.say(answer);
  const auto refused = publisher.on_readable();
  REQUIRE_FALSE(refused);
  CHECK(refused.error().to_string().find("daemon: the daemon answered E_BAD_TOPIC no") == 0);
  CHECK(f.wire.received().size() == kCommandBytes);
  f.wire.close();
  const auto ended = publisher.on_readable();
  REQUIRE_FALSE(ended);
  CHECK(ended.error().to_string().find("daemon: the daemon closed the connection") == 0);
}

TEST_CASE("an HTTP answer is read once and recognised from then on", "[utilities]") {
  Fixture f;
  Publisher publisher(f.wire.link(), std::make_unique<HttpAnswerReader>(),
                      make_command_block("t", 5, 1, 1, "host:1"), {.commands = 4}, f.course,
                      f.tally);
  REQUIRE(publisher.begin(now_));
  const std::string request = f.wire.received();
  CHECK(request.find("POST /pub?topic=t HTTP/1.1\r\nHost: host:1\r\n") == 0);
  CHECK(request.find("Content-Length: 5\r\n\r\n") + 21 + 5 == request.size());

  const std::string answer = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nDate: now\r\n\r\nOK";
  f.wire.say(answer.substr(0, 30));
  REQUIRE(publisher.on_readable());
  CHECK(f.tally.published == 0);
  f.wire.say(answer.substr(30));
  REQUIRE(publisher.on_readable());
  CHECK(f.tally.published == 1);
  f.wire.say(answer);
  REQUIRE(publisher.on_readable());
  CHECK(f.tally.published == 2);
  f.wire.say("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nDate: later\r\n\r\nOK");
  REQUIRE(publisher.on_readable());
  CHECK(f.tally.published == 3);
  f.wire.say("HTTP/1.1 413 Too Large\r\nContent-Length: 4\r\n\r\nlong");
  const auto refused = publisher.on_readable();
  REQUIRE_FALSE(refused);
  CHECK(refused.error().to_string().find("daemon: the daemon answered 413 long") == 0);
}

TEST_CASE("a batch is one command, as MPUB or as a binary request", "[utilities]") {
  const CommandBlock mpub = make_command_block("topic", 3, 2, 4);
  CHECK(mpub.commands() == 4);
  CHECK(mpub.command_bytes == std::string_view("MPUB topic\n").size() + 4 + 4 + 2 * (4 + 3));
  CHECK(mpub.bytes.find("MPUB topic\n") == 0);
  CHECK(mpub.bytes.find("MPUB topic\n", 1) == mpub.command_bytes);
  CHECK(mpub.first_body == std::string_view("MPUB topic\n").size() + 4 + 4 + 4);

  const CommandBlock http = make_command_block("topic", 3, 2, 1, "h");
  CHECK(http.bytes.find("POST /mpub?topic=topic&binary=true HTTP/1.1\r\n") == 0);
  CHECK(http.bytes.find("Content-Length: 18\r\n") != std::string::npos);
  const std::size_t body = http.bytes.find("\r\n\r\n") + 4;
  CHECK(http.bytes.substr(body, 8) == std::string("\0\0\0\2\0\0\0\3", 8));
  CHECK(http.first_body == body + 8);
}

TEST_CASE("a message of megabytes arrives in a few reads", "[utilities]") {
  Fixture f;
  Consumer consumer(f.wire.link(), {.ready_count = 1}, f.course, f.tally);
  REQUIRE(consumer.begin(now_));
  std::string frame;
  nsq::protocol::append_frame(frame, nsq::protocol::FrameType::Message,
                              std::string(26 + (4 << 20), 'x'));
  std::string_view rest = frame;
  int reads = 0;
  while (f.tally.consumed == 0) {
    const std::size_t written = f.wire.say_some(rest);
    rest.remove_prefix(written);
    REQUIRE(consumer.on_readable());
    REQUIRE(++reads < 1000);
  }
  CHECK(rest.empty());
  CHECK(f.tally.consumed_bytes == 4 << 20);
}

TEST_CASE("a consumer finishes what it gets, and times what is of its run", "[utilities]") {
  Fixture f;
  f.course.measure_from = now_ + 1s;
  Consumer consumer(f.wire.link(), {.ready_count = 7, .run = 5, .marks = true}, f.course, f.tally);
  REQUIRE(consumer.begin(now_));
  CHECK(f.wire.received() == "RDY 7\n");

  const auto message = [](char id, std::uint16_t attempts, std::string_view body) {
    std::string data(26, id);
    nsq::store_big(data.data(), std::int64_t{1});
    nsq::store_big(data.data() + 8, attempts);
    std::string frame;
    nsq::protocol::append_frame(frame, nsq::protocol::FrameType::Message, data.append(body));
    return frame;
  };
  const auto marked = [](Instant due, std::uint64_t run) {
    CommandBlock block = make_command_block("t", 20, 1, 1);
    put_mark(block, 0, {due, run});
    return block.bytes.substr(block.first_body);
  };
  const Instant start = now_;
  now_ = now_ + 3s;
  f.wire.say(message('a', 1, marked(start + 2s, 5)) + message('b', 1, marked(start, 5)));
  f.wire.say(std::string(nsq::protocol::kHeartbeatFrame) + message('c', 2, marked(start + 2s, 6)) +
             message('d', 1, "short"));
  REQUIRE(consumer.on_readable());
  const std::string said = f.wire.received();
  CHECK(said == "FIN " + std::string(16, 'a') + "\nFIN " + std::string(16, 'b') + "\nNOP\nFIN " +
                    std::string(16, 'c') + "\nFIN " + std::string(16, 'd') + "\n");
  CHECK(f.tally.consumed == 4);
  CHECK(f.tally.consumed_bytes == 3 * 20 + 5);
  CHECK(f.tally.redelivered == 1);
  CHECK(f.tally.foreign == 2);             // another run's, and one without a mark
  CHECK(f.tally.deliveries.count() == 1);  // `b` was due while warming up
  CHECK(f.tally.deliveries.max() == 1s);

  std::string error;
  nsq::protocol::append_frame(error, nsq::protocol::FrameType::Error, "E_INVALID RDY");
  f.wire.say(error);
  const auto refused = consumer.on_readable();
  REQUIRE_FALSE(refused);
  CHECK(refused.error().to_string().find("daemon: the daemon answered E_INVALID RDY") == 0);
}
