#include "nsq/consumer.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <latch>
#include <thread>

#include "nsq/client_error.h"
#include "unit/client/client_fixture.h"

using namespace nsq;
using namespace nsq::test;
using namespace std::chrono_literals;

namespace {

// Takes what comes until the consumer has gone, and lets it go when it asks; CLS is left out.
Lines until_stopped(FakeSession& session) {
  Lines seen;
  for (std::string line; (line = session.line()) != "end";) {
    if (line == "CLS") {
      session.respond("CLOSE_WAIT");
    } else {
      seen.push_back(line);
    }
  }
  return seen;
}

}  // namespace

TEST_CASE("handled messages are finished", "[client]") {
  FakeDaemon daemon({[](FakeSession& session) {
    Lines seen = session.subscribe();
    session.deliver(kId, "hello");
    session.deliver("1123456789abcdef", "again");
    append(seen, until_stopped(session));
    return seen;
  }});
  ConsumerFixture fixture;
  fixture.connect(daemon.address());
  REQUIRE(fixture.bodies.wait_for(2));
  fixture.stop();
  CHECK(fixture.bodies.all() == Lines{"hello", "again"});
  CHECK(daemon.transcript() == Lines{"SUB t c", "RDY 10", fin(), fin("1123456789abcdef")});
  const ConsumerStats stats = fixture.consumer->stats();
  CHECK(stats.messages_received == 2);
  CHECK(stats.messages_finished == 2);
  CHECK(stats.in_flight == 0);
}

TEST_CASE("failures bring backoff, and successes lead out of it", "[client]") {
  // Good, good, bad; bad, good and good when tested.
  FakeDaemon daemon({[](FakeSession& session) {
    Lines seen = session.subscribe();
    const auto offer = [&](const char* body, int answers) {
      session.deliver(kId, body);
      for (int i = 0; i < answers; ++i) seen.push_back(session.line());
    };
    offer("good", 1);
    offer("good", 1);
    offer("bad", 3);   // RDY 0, REQ, and after the wait RDY 1
    offer("bad", 3);   // likewise, at the next level
    offer("good", 3);  // down one level
    offer("good", 2);  // out of it
    append(seen, until_stopped(session));
    return seen;
  }});
  ConsumerFixture fixture;
  fixture.options.config.max_in_flight = 5;
  fixture.handle([](Message& message) -> Result<void> {
    if (message.body() == "bad") return failure("it is bad");
    return {};
  });
  fixture.connect(daemon.address());
  REQUIRE(fixture.bodies.wait_for(6));
  REQUIRE(fixture.log.wait_for_text("exiting backoff, returning all to RDY 5"));
  fixture.stop();
  CHECK(daemon.transcript() == Lines{"SUB t c", "RDY 5", fin(), fin(), "RDY 0", req("0"), "RDY 1",
                                     "RDY 0", req("0"), "RDY 1", "RDY 0", fin(), "RDY 1", "RDY 5",
                                     fin()});
  CHECK(fixture.log.wait_for_text("Handler returned error (it is bad) for msg 0123456789abcdef"));
  CHECK(fixture.log.wait_for_text("backing off for 2ms (backoff level 1), setting all to RDY 0"));
}

TEST_CASE("a neutral requeue does not slow the consumer down", "[client]") {
  FakeDaemon daemon({[](FakeSession& session) {
    Lines seen = session.subscribe();
    session.deliver(kId, "later");
    append(seen, until_stopped(session));
    return seen;
  }});
  ConsumerFixture fixture;
  fixture.handle([](Message& message) -> Result<void> {
    message.requeue(1500ms, Backoff::No);
    return {};
  });
  fixture.connect(daemon.address());
  REQUIRE(fixture.bodies.wait_for(1));
  fixture.stop();
  CHECK(daemon.transcript() == Lines{"SUB t c", "RDY 10", req("1500")});
}

TEST_CASE("exceptions are failures", "[client]") {
  FakeDaemon daemon({[](FakeSession& session) {
    Lines seen = session.subscribe();
    session.deliver(kId, "x", 3);
    append(seen, until_stopped(session));
    return seen;
  }});
  ConsumerFixture fixture;
  fixture.options.config.default_requeue_delay = 90s;
  fixture.options.config.max_requeue_delay = 4min;
  fixture.options.config.max_backoff_duration = 1h;
  fixture.options.config.backoff_multiplier = 10min;
  fixture.handle([](Message&) -> Result<void> { throw std::runtime_error("unforeseen"); });
  fixture.connect(daemon.address());
  REQUIRE(fixture.log.wait_for_text("Handler returned error (unforeseen)"));
  REQUIRE(fixture.log.wait_for_text("backing off for 20m0s"));
  fixture.stop();
  // The third attempt waits three times as long, up to the limit.
  CHECK(daemon.transcript() == Lines{"SUB t c", "RDY 10", "RDY 0", req("240000")});
}

TEST_CASE("a message with too many attempts is given up, unless the callback says no", "[client]") {
  const bool gives_up = GENERATE(true, false);
  FakeDaemon daemon({[](FakeSession& session) {
    Lines seen = session.subscribe();
    session.deliver(kId, "tried", 5);
    seen.push_back(session.line());
    session.deliver(kId, "tried too often", 6);
    append(seen, until_stopped(session));
    return seen;
  }});
  ConsumerFixture fixture;
  fixture.options.config.max_backoff_duration = 0s;
  Notes given_up;
  fixture.options.on_giving_up = [&](Message& message) {
    given_up.add(std::string(message.body()));
    return gives_up;
  };
  fixture.connect(daemon.address());
  REQUIRE(given_up.wait_for(1));
  fixture.stop();
  CHECK(fixture.bodies.all() == Lines{"tried"});
  CHECK(given_up.all() == Lines{"tried too often"});
  CHECK(daemon.transcript() == Lines{"SUB t c", "RDY 10", fin(), gives_up ? fin() : req("0")});
  CHECK(fixture.consumer->stats().messages_given_up == (gives_up ? 1 : 0));
  CHECK(fixture.log.wait_for_text("msg 0123456789abcdef attempted 6 times, giving up"));
}

TEST_CASE("a message may be kept and answered later, from any thread", "[client]") {
  FakeDaemon daemon({[](FakeSession& session) {
    Lines seen = session.subscribe();
    session.deliver(kId, "kept");
    append(seen, until_stopped(session));
    return seen;
  }});
  ConsumerFixture fixture;
  std::thread later;
  Notes answered;
  fixture.handle([&](Message& message) -> Result<void> {
    message.disable_auto_response();
    later = std::thread([&answered, kept = message]() mutable {
      kept.touch();
      if (!kept.has_responded()) answered.add("not answered yet");
      std::this_thread::sleep_for(20ms);  // past the end of the handler
      if (kept.finish()) answered.add("finished");
      if (!kept.requeue()) answered.add("the first answer wins");
      answered.add(std::string(kept.body()));
    });
    return {};
  });
  fixture.connect(daemon.address());
  REQUIRE(answered.wait_for(4));
  CHECK(answered.all() == Lines{"not answered yet", "finished", "the first answer wins", "kept"});
  later.join();
  fixture.stop();
  CHECK(daemon.transcript() == Lines{"SUB t c", "RDY 10", std::string("TOUCH ") + kId, fin()});
}

TEST_CASE("a message may outlive its consumer", "[client]") {
  FakeDaemon daemon({[](FakeSession& session) {
    session.subscribe();
    session.deliver(kId, "survivor");
    return until_stopped(session);
  }});
  std::optional<Message> kept;
  {
    ConsumerFixture fixture;
    fixture.options.config.stop_timeout = 10ms;
    fixture.handle([&kept](Message& message) -> Result<void> {
      message.disable_auto_response();
      kept.emplace(message);
      return {};
    });
    fixture.connect(daemon.address());
    REQUIRE(fixture.bodies.wait_for(1));
  }
  CHECK(kept->body() == "survivor");
  CHECK(kept->topic() == "t");
  CHECK(kept->finish());  // to nobody
}

TEST_CASE("answers given before a slow message's are not held up by it", "[client]") {
  std::latch slow(1);
  FakeDaemon daemon({[&slow](FakeSession& session) {
    Lines seen = session.subscribe();
    // Enough fast ones that the worker takes many at a time.
    int next = 0;
    const auto id = [](int number) {
      std::string text = std::to_string(number);
      return std::string(16 - text.size(), '0') + text;
    };
    for (int round = 0; round < 20; ++round) {
      for (int i = 0; i < 20; ++i) session.deliver(id(next++), "fast");
      for (int i = 0; i < 20; ++i) session.line();
    }
    for (int i = 0; i < 50; ++i) session.deliver(id(next++), "fast");
    session.deliver(id(next++), "slow");
    for (int i = 0; i < 50; ++i) seen.push_back(session.line().substr(0, 3));
    slow.count_down();  // all the fast ones were finished meanwhile
    append(seen, until_stopped(session));
    return seen;
  }});
  ConsumerFixture fixture;
  fixture.options.config.max_in_flight = 1000;
  fixture.handle([&slow](Message& message) -> Result<void> {
    if (message.body() == "slow") slow.wait();
    return {};
  });
  fixture.connect(daemon.address());
  REQUIRE(fixture.bodies.wait_for(451));
  slow.wait();
  fixture.stop();
  CHECK(daemon.transcript().size() == 2 + 51);
}

TEST_CASE("heartbeats are answered while handlers are busy", "[client]") {
  std::latch answered(1);
  FakeDaemon daemon({[&answered](FakeSession& session) {
    Lines seen = session.subscribe();
    session.deliver(kId, "slow");
    for (int i = 0; i < 3; ++i) {
      session.heartbeat();
      seen.push_back(session.line());
    }
    answered.count_down();
    append(seen, until_stopped(session));
    return seen;
  }});
  ConsumerFixture fixture;
  fixture.handle([&answered](Message&) -> Result<void> {
    answered.wait();
    return {};
  });
  fixture.connect(daemon.address());
  REQUIRE(fixture.bodies.wait_for(1));
  answered.wait();
  fixture.stop();
  CHECK(daemon.transcript() == Lines{"SUB t c", "RDY 10", "NOP", "NOP", "NOP", fin()});
}

TEST_CASE("several workers handle messages at the same time", "[client]") {
  FakeDaemon daemon({[](FakeSession& session) {
    session.subscribe();
    for (const char* id : {"000000000000000a", "000000000000000b", "000000000000000c"}) {
      session.deliver(id, "x");
    }
    return until_stopped(session);
  }});
  ConsumerFixture fixture;
  fixture.options.concurrency = 3;
  std::latch together(3);  // passed only by three handlers at once
  fixture.handle([&together](Message&) -> Result<void> {
    together.arrive_and_wait();
    return {};
  });
  fixture.connect(daemon.address());
  REQUIRE(fixture.bodies.wait_for(3));
  fixture.stop();
  CHECK(daemon.transcript().size() == 3);
}

TEST_CASE("a batch handler gets what is there together", "[client]") {
  FakeDaemon daemon({[](FakeSession& session) {
    session.subscribe();
    session.deliver("000000000000000a", "keep");
    session.deliver("000000000000000b", "drop");
    return until_stopped(session);
  }});
  ConsumerFixture fixture;
  fixture.options.handler = {};
  fixture.options.batch_handler = [&fixture](std::span<Message> messages) {
    for (Message& message : messages) {
      if (message.body() == "drop") message.requeue(0s, Backoff::No);
      fixture.bodies.add(std::string(message.body()));
    }
  };
  fixture.connect(daemon.address());
  REQUIRE(fixture.bodies.wait_for(2));
  fixture.stop();
  CHECK(daemon.transcript() == Lines{fin("000000000000000a"), req("0", "000000000000000b")});
}

TEST_CASE("stopping waits for what is in flight", "[client]") {
  std::latch stopping(1);
  FakeDaemon daemon({[&stopping](FakeSession& session) {
    Lines seen = session.subscribe();
    session.deliver(kId, "slow");
    seen.push_back(session.line());
    session.respond("CLOSE_WAIT");
    stopping.count_down();
    append(seen, {session.line(), session.line()});
    return seen;
  }});
  ConsumerFixture fixture;
  fixture.handle([&stopping](Message&) -> Result<void> {
    stopping.wait();
    return {};
  });
  fixture.connect(daemon.address());
  REQUIRE(fixture.bodies.wait_for(1));
  fixture.stop();
  CHECK(daemon.transcript() == Lines{"SUB t c", "RDY 10", "CLS", fin(), "end"});
}

TEST_CASE("stopping may give back what no handler has begun with", "[client]") {
  std::latch stopped(1);
  FakeDaemon daemon({[&stopped](FakeSession& session) {
    session.subscribe();
    session.deliver("000000000000000a", "begun");
    session.deliver("000000000000000b", "not begun");
    Lines seen{session.line(), session.line()};
    session.respond("CLOSE_WAIT");
    stopped.count_down();
    append(seen, {session.line(), session.line()});
    return seen;
  }});
  ConsumerFixture fixture;
  fixture.handle([&](Message&) -> Result<void> {
    fixture.consumer->stop(Stop::GiveBack);
    stopped.wait();
    return {};
  });
  fixture.connect(daemon.address());
  REQUIRE(fixture.bodies.wait_for(1));
  CHECK(fixture.consumer->wait_for(10s));
  CHECK(fixture.bodies.all() == Lines{"begun"});
  CHECK(daemon.transcript() ==
        Lines{req("0", "000000000000000b"), "CLS", fin("000000000000000a"), "end"});
}

TEST_CASE("a daemon that never answers CLS holds stopping up to the limit only", "[client]") {
  FakeDaemon daemon({[](FakeSession& session) {
    session.subscribe();
    Lines seen{session.line(), session.line()};
    return seen;
  }});
  ConsumerFixture fixture;
  fixture.options.config.stop_timeout = 50ms;
  fixture.connect(daemon.address());
  fixture.stop();
  CHECK(daemon.transcript() == Lines{"CLS", "end"});
}

TEST_CASE("pausing asks for nothing, and unpausing for as much as before", "[client]") {
  FakeDaemon daemon({[](FakeSession& session) {
    Lines seen = session.subscribe();
    append(seen, {session.line(), session.line(), session.line()});
    append(seen, until_stopped(session));
    return seen;
  }});
  ConsumerFixture fixture;
  Consumer& consumer = fixture.connect(daemon.address());
  consumer.pause();
  consumer.unpause();
  consumer.change_max_in_flight(3);
  fixture.stop();
  CHECK(daemon.transcript() == Lines{"SUB t c", "RDY 10", "RDY 0", "RDY 10", "RDY 3"});
}

TEST_CASE("daemons share max_in_flight, and get the share of one that goes", "[client]") {
  FakeDaemon first({[](FakeSession& session) {
    Lines seen = session.subscribe();
    append(seen, {session.line(), session.line()});
    append(seen, until_stopped(session));
    return seen;
  }});
  FakeDaemon second({[](FakeSession& session) { return session.subscribe(); }});
  ConsumerFixture fixture;
  fixture.options.config.reconnect_delay = 5min;
  Consumer& consumer = fixture.connect(first.address());
  REQUIRE(consumer.connect_to_nsqd(second.address()));
  CHECK(second.transcript() == Lines{"SUB t c", "RDY 5"});
  REQUIRE(fixture.log.wait_for_text("there are 1 connections left alive"));
  fixture.stop();
  CHECK(first.transcript() == Lines{"SUB t c", "RDY 10", "RDY 5", "RDY 10"});
}

TEST_CASE("the daemon's limit on RDY is kept", "[client]") {
  FakeDaemon daemon({[](FakeSession& session) {
    Lines seen = session.subscribe(R"({"max_rdy_count":7})");
    append(seen, until_stopped(session));
    return seen;
  }});
  ConsumerFixture fixture;
  fixture.connect(daemon.address());
  fixture.stop();
  CHECK(daemon.transcript() == Lines{"SUB t c", "RDY 7"});
  CHECK(fixture.log.wait_for_text("max RDY count 7 < consumer max in flight 10"));
}

TEST_CASE("a lost connection is opened again", "[client]") {
  const auto lose = [](FakeSession& session) { return session.subscribe(); };
  FakeDaemon daemon({lose, lose, [](FakeSession& session) {
                       Lines seen = session.subscribe();
                       session.deliver(kId, "at last");
                       append(seen, until_stopped(session));
                       return seen;
                     }});
  ConsumerFixture fixture;
  fixture.connect(daemon.address());
  REQUIRE(fixture.bodies.wait_for(1));
  fixture.stop();
  CHECK(daemon.transcript() ==
        Lines{"SUB t c", "RDY 10", "SUB t c", "RDY 10", "SUB t c", "RDY 10", fin()});
}

TEST_CASE("answers that come too late are counted", "[client]") {
  FakeDaemon daemon({[](FakeSession& session) {
    session.subscribe();
    session.deliver(kId, "slow");
    session.line();
    session.refuse(std::string("E_FIN_FAILED FIN ") + kId + " failed ID not in flight");
    session.deliver(kId, "next");
    return until_stopped(session);
  }});
  ConsumerFixture fixture;
  Notes late;
  fixture.options.observer.on_late_answer = [&](const std::string&, std::string_view error) {
    late.add(std::string(error));
  };
  fixture.connect(daemon.address());
  REQUIRE(fixture.bodies.wait_for(2));
  REQUIRE(late.wait_for(1));
  fixture.stop();
  CHECK(fixture.consumer->stats().late_answers == 1);
  CHECK(late.all()[0].find(kId) != std::string::npos);
}

TEST_CASE("connecting reports what is wrong with it", "[client]") {
  ConsumerFixture fixture;
  Consumer& consumer = fixture.make();
  const auto unreachable = consumer.connect_to_nsqd("127.0.0.1:1");
  REQUIRE(!unreachable);
  CHECK(unreachable.error().to_string() == "dial tcp 127.0.0.1:1: connect: connection refused");
  FakeDaemon daemon({[](FakeSession& session) {
    session.subscribe();
    return until_stopped(session);
  }});
  REQUIRE(consumer.connect_to_nsqd(daemon.address()));
  CHECK(consumer.connect_to_nsqd(daemon.address()).error() == ClientErrc::AlreadyConnected);
  CHECK(consumer.disconnect_from_nsqd("127.0.0.1:1").error() == ClientErrc::InvalidArgument);
  fixture.stop();
  CHECK(consumer.connect_to_nsqd(daemon.address()).error() == ClientErrc::Stopped);
}

TEST_CASE("a daemon the user disconnects from is left alone", "[client]") {
  FakeDaemon daemon({[](FakeSession& session) {
    Lines seen = session.subscribe();
    seen.push_back(session.line());
    return seen;
  }});
  ConsumerFixture fixture;
  Notes connections;
  fixture.options.observer.on_connection = [&](const std::string&, bool connected) {
    connections.add(connected ? "up" : "down");
  };
  Consumer& consumer = fixture.connect(daemon.address());
  CHECK(consumer.disconnect_from_nsqd(daemon.address()));
  CHECK(daemon.transcript() == Lines{"SUB t c", "RDY 10", "end"});
  REQUIRE(connections.wait_for(2));
  CHECK(connections.all() == Lines{"up", "down"});
  CHECK(consumer.stats().connections == 0);
}

TEST_CASE("a message larger than any read arrives whole", "[client]") {
  const std::string large(1'000'000, 'x');
  FakeDaemon daemon({[&large](FakeSession& session) {
    session.subscribe();
    session.deliver(kId, large);
    session.deliver(kId, "small");
    return until_stopped(session);
  }});
  ConsumerFixture fixture;
  fixture.connect(daemon.address());
  REQUIRE(fixture.bodies.wait_for(2));
  fixture.stop();
  CHECK(fixture.bodies.all() == Lines{large, "small"});
}

TEST_CASE("a handler that collects messages sees when no more will come", "[client]") {
  FakeDaemon daemon({[](FakeSession& session) {
    session.subscribe();
    session.deliver("000000000000000a", "1");
    session.deliver("000000000000000b", "2");
    return until_stopped(session);
  }});
  ConsumerFixture fixture;
  fixture.options.config.max_in_flight = 2;
  std::vector<Message> collected;
  fixture.options.handler = [&](Message& message) {
    message.disable_auto_response();
    collected.push_back(message);
    fixture.bodies.add(std::string(message.body()));
  };
  Consumer& consumer = fixture.connect(daemon.address());
  REQUIRE(fixture.bodies.wait_for(2));
  CHECK(consumer.is_starved());
  for (Message& message : collected) message.finish();
  fixture.stop();
  CHECK(!consumer.is_starved());
  // In any order: this thread answers while the worker may still be at the end of the second
  // message's turn. The first answer is then announced by itself, the second one goes with that
  // turn, and either may be first (see Answers).
  Lines transcript = daemon.transcript();
  std::sort(transcript.begin(), transcript.end());
  CHECK(transcript == Lines{fin("000000000000000a"), fin("000000000000000b")});
}

TEST_CASE("a kept message can fail later, as in its handler", "[client]") {
  FakeDaemon daemon({[](FakeSession& session) {
    Lines seen = session.subscribe();
    session.deliver(kId, "kept", 2);
    append(seen, until_stopped(session));
    return seen;
  }});
  ConsumerFixture fixture;
  fixture.options.config.default_requeue_delay = 90s;
  fixture.options.config.backoff_multiplier = 30s;  // for longer than the test
  std::thread later;
  Notes failed;
  fixture.handle([&](Message& message) -> Result<void> {
    message.disable_auto_response();
    later = std::thread([&failed, kept = message]() mutable {
      if (kept.fail("got status code 500")) failed.add("once");
      if (kept.fail("again")) failed.add("twice");
    });
    return {};
  });
  fixture.connect(daemon.address());
  REQUIRE(fixture.log.wait_for_text("backing off"));
  later.join();
  CHECK(failed.all() == Lines{"once"});
  fixture.stop();
  CHECK(fixture.log.wait_for_text("Handler returned error (got status code 500) for msg " +
                                  std::string(kId)));
  CHECK(daemon.transcript() == Lines{"SUB t c", "RDY 10", "RDY 0", req("180000")});
}

TEST_CASE("a message knows how patient its daemon is", "[client]") {
  FakeDaemon daemon({[](FakeSession& session) {
    session.subscribe(R"({"max_rdy_count":2500,"msg_timeout":7000,"max_msg_timeout":90000})");
    session.deliver(kId, "x");
    return until_stopped(session);
  }});
  ConsumerFixture fixture;
  Notes times;
  fixture.handle([&](Message& message) -> Result<void> {
    times.add(std::to_string(message.timeout() / 1ms));
    times.add(std::to_string(message.max_timeout() / 1ms));
    return {};
  });
  fixture.connect(daemon.address());
  REQUIRE(times.wait_for(2));
  CHECK(times.all() == Lines{"7000", "90000"});
  fixture.stop();
}
