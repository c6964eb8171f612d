#pragma once

#include <chrono>
#include <cstdint>
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

// A number that /stats tells of a channel; -1 while there is no such channel.
inline std::int64_t channel_number(const Daemon& daemon, const std::string& topic,
                                   const std::string& channel, const std::string& name) {
  HttpClient http("127.0.0.1", daemon.http_port());
  const std::string text =
      http.get("/stats?format=json&include_clients=false&topic=" + topic + "&channel=" + channel)
          .body;
  const std::size_t begin = text.find("\"channel_name\":\"" + channel + "\"");
  const std::size_t at = begin == std::string::npos ? begin : text.find("\"" + name + "\":", begin);
  return at == std::string::npos ? -1 : std::atoll(text.c_str() + at + name.size() + 3);
}

inline bool is_drained(const Daemon& daemon, const std::string& topic, const std::string& channel) {
  for (const char* name : {"depth", "in_flight_count", "deferred_count"}) {
    if (channel_number(daemon, topic, channel, name) != 0) return false;
  }
  return true;
}

}  // namespace nsq::test
