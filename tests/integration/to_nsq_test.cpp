#include <signal.h>

#include <algorithm>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "integration/channel_stats.h"
#include "integration/process.h"
#include "support/catch.h"

using namespace nsq::test;

namespace {

using Lines = std::vector<std::string>;

const std::string kChannel = "nsq_to_nsq";

// A source and a destination that can crash and come back, each on one address.
class Restartable {
 public:
  Restartable() : daemon_(std::make_unique<Daemon>(data_.path())) {
    address_ = daemon_->tcp_address();
  }

  const std::string& address() const { return address_; }
  const Daemon& daemon() const { return *daemon_; }
  void crash() {
    daemon_->kill();
    daemon_.reset();
  }
  void come_back() {
    daemon_ = std::make_unique<Daemon>(data_.path(),
                                       std::vector<std::string>{"--tcp-address=" + address_});
  }

 private:
  TemporaryDirectory data_;
  std::unique_ptr<Daemon> daemon_;
  std::string address_;
};

// `nsq to-nsq` that does not wait long after a failure, and never gives up.
class ToNsq {
 public:
  ToNsq(const std::string& source, const Lines& destinations, const Lines& flags = {})
      : process_(arguments(source, destinations, flags), files_.path()) {}

  Process& process() { return process_; }
  std::string errors() const { return process_.errors(); }
  int stop() {
    process_.signal(SIGTERM);
    return process_.wait();
  }

 private:
  static Lines arguments(const std::string& source, const Lines& destinations, const Lines& flags) {
    Lines all = {binary(),
                 "to-nsq",
                 "--topic=t",
                 "--nsqd-tcp-address=" + source,
                 "--consumer-opt=default_requeue_delay,100ms",
                 "--consumer-opt=backoff_multiplier,20ms",
                 "--consumer-opt=max_backoff_duration,200ms",
                 "--consumer-opt=reconnect_delay,50ms",
                 "--consumer-opt=max_attempts,0",
                 "--producer-opt=reconnect_delay,50ms"};
    for (const std::string& destination : destinations) {
      all.push_back("--destination-nsqd-tcp-address=" + destination);
    }
    all.insert(all.end(), flags.begin(), flags.end());
    return all;
  }

  TemporaryDirectory files_;
  Process process_;
};

// "message 000001\n", and so on.
std::string numbered_lines(int count) {
  std::string lines;
  for (int i = 1; i <= count; ++i) {
    const std::string number = std::to_string(i);
    lines += "message " + std::string(6 - number.size(), '0') + number + "\n";
  }
  return lines;
}

// Every one of them is there.
bool has_all(const Lines& bodies, int count) {
  return bodies.size() == static_cast<std::size_t>(count) && bodies.front() == "message 000001" &&
         std::all_of(bodies.begin(), bodies.end(),
                     [](const std::string& body) { return body.starts_with("message "); });
}

}  // namespace

TEST_CASE("messages are published at their destination and finished at their source",
          "[integration]") {
  Restartable source;
  Restartable destination;
  publish_lines(source.daemon(), "t", numbered_lines(5000));
  ToNsq tool(source.address(), {destination.address()}, {"--status-every=1000"});
  CHECK(eventually([&] { return is_drained(source.daemon(), "t"); }));
  CHECK(topic_depth(destination.daemon(), "t") == 5000);
  CHECK(has_all(distinct_bodies(destination.daemon(), "t"), 5000));
  CHECK(channel_number(source.daemon(), "t", "requeue_count") == 0);
  CHECK(tool.errors().find("[aggregate]: finished 1000 - 99th: ") != std::string::npos);
  CHECK(tool.stop() == 0);
}

namespace {

// Forwards while one of the two daemons is killed again and again.
void check_nothing_is_lost(bool source_is_killed) {
  constexpr int kCount = 50'000;
  Restartable source;
  Restartable destination;
  Restartable& killed = source_is_killed ? source : destination;
  publish_lines(source.daemon(), "t", numbered_lines(kCount));
  ToNsq tool(source.address(), {destination.address()}, {"--max-in-flight=50"});
  for (int kills = 1; kills <= 3; ++kills) {
    REQUIRE(eventually([&] { return topic_depth(destination.daemon(), "t") > 2000 * kills; }));
    killed.crash();
    killed.come_back();
  }
  REQUIRE(eventually([&] { return is_drained(source.daemon(), "t"); }));
  CHECK(tool.stop() == 0);
  CHECK(has_all(distinct_bodies(destination.daemon(), "t"), kCount));
}

}  // namespace

TEST_CASE("nothing is lost when the source is killed in the middle", "[integration]") {
  check_nothing_is_lost(true);
}

TEST_CASE("nothing is lost when the destination is killed in the middle", "[integration]") {
  check_nothing_is_lost(false);
}

TEST_CASE("a destination that is away costs nothing while there is another one", "[integration]") {
  Restartable source;
  Restartable away;
  Restartable there;
  away.crash();
  publish_lines(source.daemon(), "t", numbered_lines(100));
  ToNsq tool(source.address(), {away.address(), there.address()});
  CHECK(eventually([&] { return is_drained(source.daemon(), "t"); }));
  CHECK(has_all(distinct_bodies(there.daemon(), "t"), 100));
  CHECK(channel_number(source.daemon(), "t", "requeue_count") == 0);
  CHECK(tool.stop() == 0);
}

TEST_CASE("round-robin gives every destination the same share, and reports on each",
          "[integration]") {
  Restartable source;
  Restartable first;
  Restartable second;
  publish_lines(source.daemon(), "t", numbered_lines(1000));
  ToNsq tool(source.address(), {first.address(), second.address()},
             {"--mode=round-robin", "--status-every=200"});
  CHECK(eventually([&] { return is_drained(source.daemon(), "t"); }));
  CHECK(topic_depth(first.daemon(), "t") == 500);
  CHECK(topic_depth(second.daemon(), "t") == 500);
  CHECK(tool.errors().find("[" + second.address() + "]: finished 200 - ") != std::string::npos);
  CHECK(tool.stop() == 0);
}

TEST_CASE("a message its destination does not take does not hold up the others", "[integration]") {
  Restartable source;
  TemporaryDirectory data;
  const Daemon destination(data.path(), {"--max-msg-size=100"});
  const std::string large(101, 'x');
  publish_lines(source.daemon(), "t", "a\nb\n" + large + "\nc\n" + large + "\nd\n");
  ToNsq tool(source.address(), {destination.tcp_address()});
  CHECK(eventually([&] { return topic_depth(destination, "t") == 4; }));
  CHECK(eventually([&] { return channel_number(source.daemon(), "t", "requeue_count") >= 2; }));
  CHECK(distinct_bodies(destination, "t") == Lines{"a", "b", "c", "d"});
  CHECK(tool.stop() == 0);
  CHECK(eventually([&] {
    const Daemon& daemon = source.daemon();
    return channel_number(daemon, "t", "depth") + channel_number(daemon, "t", "deferred_count") ==
           2;
  }));
}

TEST_CASE("only what passes the filter goes on, and only what is wanted of it", "[integration]") {
  Restartable source;
  Restartable destination;
  publish_lines(source.daemon(), "t",
                R"({"z": {"d": 1.50, "c": 1}, "k": 5, "drop": "me"})"
                "\n"
                R"({"z": 1})"
                "\nnot json\n"
                R"({"k": "5"})"
                "\n");
  ToNsq tool(source.address(), {destination.address()},
             {"--destination-topic=u", "--require-json-field=k", "--require-json-value=5",
              "--whitelist-json-field=z", "--whitelist-json-field=k"});
  CHECK(eventually([&] { return is_drained(source.daemon(), "t"); }));
  CHECK(distinct_bodies(destination.daemon(), "u") ==
        Lines{R"({"k":"5"})", R"({"k":5,"z":{"c":1,"d":1.50}})"});
  CHECK(tool.errors().find("ERROR: Unable to decode json: \"not json\"\n") != std::string::npos);
  CHECK(tool.stop() == 0);
}

TEST_CASE("it ends in order while its destination does not answer", "[integration]") {
  Restartable source;
  Restartable destination;
  publish_lines(source.daemon(), "t", numbered_lines(10));
  destination.crash();
  ToNsq tool(source.address(), {destination.address()});
  CHECK(eventually([&] { return channel_number(source.daemon(), "t", "requeue_count") >= 10; }));
  CHECK(tool.stop() == 0);
}

TEST_CASE("it checks its arguments before it connects, also under its old name", "[integration]") {
  TemporaryDirectory files;
  const std::string old_name = files / "nsq_to_nsq";
  std::filesystem::create_symlink(binary(), old_name);
  const auto refuses = [&](Lines arguments, const std::string& reason, int status = 1) {
    CAPTURE(reason);
    arguments.insert(arguments.begin(), old_name);
    Process process(arguments, files.path());
    CHECK(process.wait() == status);
    CHECK(process.errors().find(reason) != std::string::npos);
    CHECK(process.output().empty());
  };
  const std::string from = "--nsqd-tcp-address=127.0.0.1:1";
  const std::string to = "--destination-nsqd-tcp-address=127.0.0.1:2";
  refuses({from, to}, "--topic and --channel are required");
  refuses({"--topic=t", "--channel=", from, to}, "--topic and --channel are required");
  refuses({"--topic=bad!", from, to}, "--topic is invalid");
  refuses({"--topic=t", "--destination-topic=bad!", from, to}, "--destination-topic is invalid");
  refuses({"--topic=t", "--channel=bad!", from, to}, "--channel is invalid");
  refuses({"--topic=t", to}, "--nsqd-tcp-address or --lookupd-http-address required");
  refuses({"--topic=t", from, "--lookupd-http-address=x:1", to},
          "use --nsqd-tcp-address or --lookupd-http-address not both");
  refuses({"--topic=t", from}, "--destination-nsqd-tcp-address required");
  refuses({"--topic=t", from, to, "--mode=multicast"},
          "--mode must be hostpool, epsilon-greedy or round-robin");
  refuses({"--topic=t", from, to, "--status-every=-1"}, "--status-every must be [0,1000000]");
  refuses(
      {"--topic=t", from, "--destination-nsqd-tcp-address=127.0.0.1:1"},
      "Warning: messages will go round for ever: 127.0.0.1:1 is source and destination of topic t");
  refuses({"--topic=t", from, to, "--status-every=7"},
          "Warning: use more than 100 status values for accurate percentiles (configured with 7)");
  refuses({"--topic=t", from, to}, "dial tcp 127.0.0.1:1: connect: connection refused");
  refuses({"--topic=t", from, to, "--producer-opt=heartbeat_interval,90s"},
          "failed creating producer heartbeat_interval 1m30s must not be more than read_timeout");
  refuses({"--producer-opt=bogus,1"},
          R"(invalid value "bogus,1" for flag -producer-opt: invalid option bogus)", 2);
  refuses(
      {"--consumer-opt=max_in_flight,-1"},
      R"(invalid value "max_in_flight,-1" for flag -consumer-opt: invalid max_in_flight ! -1 < 0)",
      2);
}
