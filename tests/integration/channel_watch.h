#pragma once

#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "integration/process.h"
#include "support/catch.h"
#include "support/http_client.h"

// What tests of tools do with a daemon, over its HTTP API.
namespace nsq::test {

inline bool eventually(const std::function<bool()>& condition,
                       std::chrono::seconds limit = std::chrono::seconds(30)) {
  const auto end = std::chrono::steady_clock::now() + limit;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > end) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  return true;
}

inline void publish(const Daemon& daemon, const std::string& topic,
                    const std::vector<std::string>& bodies) {
  HttpClient http("127.0.0.1", daemon.http_port());
  std::string text;
  for (const std::string& body : bodies) text.append(body).append("\n");
  REQUIRE(http.post("/mpub?topic=" + topic, text).body == "OK");
}

inline void create_channel(const Daemon& daemon, const std::string& topic,
                           const std::string& channel) {
  HttpClient http("127.0.0.1", daemon.http_port());
  REQUIRE(http.post("/topic/create?topic=" + topic, "").status == 200);
  REQUIRE(http.post("/channel/create?topic=" + topic + "&channel=" + channel, "").status == 200);
}

// What /stats says of a channel, at one moment; empty while there is no such channel.
inline std::string channel_stats(const Daemon& daemon, const std::string& topic,
                                 const std::string& channel) {
  HttpClient http("127.0.0.1", daemon.http_port());
  const std::string text =
      http.get("/stats?format=json&include_clients=false&topic=" + topic + "&channel=" + channel)
          .body;
  const std::size_t begin = text.find("\"channel_name\":\"" + channel + "\"");
  return begin == std::string::npos ? "" : text.substr(begin);
}

// A number in it; -1 if it is not there.
inline std::int64_t number_in(const std::string& stats, const std::string& name) {
  const std::size_t at = stats.find("\"" + name + "\":");
  return at == std::string::npos ? -1 : std::atoll(stats.c_str() + at + name.size() + 3);
}

inline std::int64_t channel_number(const Daemon& daemon, const std::string& topic,
                                   const std::string& channel, const std::string& name) {
  return number_in(channel_stats(daemon, topic, channel), name);
}

// In one look: a message that moves between the three is in one of them.
inline bool is_drained(const Daemon& daemon, const std::string& topic, const std::string& channel) {
  const std::string stats = channel_stats(daemon, topic, channel);
  return number_in(stats, "depth") == 0 && number_in(stats, "in_flight_count") == 0 &&
         number_in(stats, "deferred_count") == 0;
}

}  // namespace nsq::test
