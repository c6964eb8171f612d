#include "integration/channel_stats.h"

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <sstream>
#include <stdexcept>
#include <thread>

#include "support/http_client.h"

namespace nsq::test {
namespace {

std::string stats(const Daemon& daemon, const std::string& topic) {
  return HttpClient("127.0.0.1", daemon.http_port()).get("/stats?format=json&topic=" + topic).body;
}

// The number behind a member's name, from `offset` on; -1 if there is none.
std::int64_t number_at(const std::string& json, const std::string& name, std::size_t offset) {
  const std::string key = "\"" + name + "\":";
  const std::size_t found = offset == std::string::npos ? offset : json.find(key, offset);
  if (found == std::string::npos) return -1;
  return std::strtoll(json.c_str() + found + key.size(), nullptr, 10);
}

}  // namespace

std::int64_t channel_number(const Daemon& daemon, const std::string& topic,
                            const std::string& name) {
  const std::string json = stats(daemon, topic);
  return number_at(json, name, json.find("\"channel_name\":"));
}

std::int64_t topic_depth(const Daemon& daemon, const std::string& topic) {
  const std::string json = stats(daemon, topic);
  return number_at(json, "depth", json.find("\"topic_name\":"));
}

bool is_drained(const Daemon& daemon, const std::string& topic) {
  const std::string json = stats(daemon, topic);
  const std::size_t channel = json.find("\"channel_name\":");
  return number_at(json, "depth", channel) == 0 &&
         number_at(json, "in_flight_count", channel) == 0 &&
         number_at(json, "deferred_count", channel) == 0;
}

bool eventually(const std::function<bool()>& condition) {
  for (int i = 0; i < 2000; ++i) {
    if (condition()) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  return false;
}

void publish_lines(const Daemon& daemon, const std::string& topic, const std::string& lines) {
  HttpClient http("127.0.0.1", daemon.http_port());
  if (http.post("/mpub?topic=" + topic, lines).body != "OK") {
    throw std::runtime_error("publishing failed");
  }
}

std::vector<std::string> distinct_bodies(const Daemon& daemon, const std::string& topic) {
  const std::int64_t count = topic_depth(daemon, topic);
  if (count <= 0) return {};
  const Finished printed =
      run_binary({"tail", "--topic=" + topic, "--channel=check", "-n", std::to_string(count),
                  "--max-in-flight=2500", "--nsqd-tcp-address=" + daemon.tcp_address()});
  std::istringstream stream(printed.output);
  std::vector<std::string> lines;
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  std::sort(lines.begin(), lines.end());
  lines.erase(std::unique(lines.begin(), lines.end()), lines.end());
  return lines;
}

}  // namespace nsq::test
