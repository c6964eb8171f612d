#include <simdjson.h>

#include <set>

#include "integration/crash/load.h"

namespace nsq::crash {
namespace {

using namespace std::chrono_literals;
using test::HttpClient;

constexpr const char* kLocalhost = "127.0.0.1";
constexpr const char* kLate = "late";

// What /stats says there is.
struct Found {
  std::set<std::string> topics;
  std::map<std::string, bool> paused;  // as the keys of Administrator::paused_
  bool late = false;
};

Found look(HttpClient& client, const std::string& late_topic) {
  const auto answer = client.get("/stats?format=json&include_clients=false&include_mem=false");
  if (answer.status != 200) throw std::runtime_error("/stats: " + answer.body);
  Found found;
  simdjson::dom::parser parser;
  const simdjson::dom::element stats = parser.parse(answer.body);
  for (const simdjson::dom::element topic : stats["topics"]) {
    const std::string name(topic["topic_name"].get_string().value());
    found.topics.insert(name);
    found.paused["topic/%?topic=" + name] = topic["paused"].get_bool().value();
    for (const simdjson::dom::element channel : topic["channels"]) {
      const std::string channel_name(channel["channel_name"].get_string().value());
      found.paused["channel/%?topic=" + name + "&channel=" + channel_name] =
          channel["paused"].get_bool().value();
      if (name == late_topic && channel_name == kLate) found.late = true;
    }
  }
  return found;
}

}  // namespace

// While it is under way, and if it is never answered, nobody knows.
void Administrator::post(HttpClient& client, const std::string& target, Known& fact,
                         Known becomes) {
  fact = Known::Either;
  const auto answer = client.post(target, "");
  if (answer.status != 200) throw std::runtime_error(target + ": " + answer.body);
  fact = becomes;
}

void Administrator::toggle_pause(HttpClient& client, const std::string& what,
                                 const std::string& query) {
  Known& fact = paused_[what + "/%?" + query];
  const bool pause = fact == Known::No;
  post(client, "/" + what + (pause ? "/pause?" : "/unpause?") + query, fact,
       pause ? Known::Yes : Known::No);
}

// A channel made while messages flow has all that are published from then on, until it is deleted.
void Administrator::make_or_delete_late_channel(HttpClient& client, Ports ports) {
  const std::string query = "topic=" + orders_.topic() + "&channel=" + kLate;
  if (late_ != Known::Yes) {
    post(client, "/channel/create?" + query, late_, Known::Yes);
    orders_.add_channel(kLate, orders_.next_number());
    late_owed_ = true;
  } else if (random_() % 3 == 0) {
    orders_.remove_channel(kLate);
    late_owed_ = false;
    post(client, "/channel/delete?" + query, late_, Known::No);
  } else {
    const std::atomic<bool> never = false;
    consume_all(orders_, ports, kLate, Milliseconds(100 + random_() % 200), never);
  }
}

void Administrator::make_or_delete_topic(HttpClient& client) {
  const std::string name = "aside" + std::to_string(random_() % 4);
  Known& fact = topics_[name];
  if (fact == Known::Yes) {
    post(client, "/topic/delete?topic=" + name, fact, Known::No);
    return;
  }
  post(client, "/topic/create?topic=" + name, fact, Known::Yes);
  for (int i = 0; i < 20; ++i) {
    if (client.post("/pub?topic=" + name, "aside").status != 200) {
      throw std::runtime_error("publishing aside was refused");
    }
  }
  if (client.post("/channel/create?topic=" + name + "&channel=c", "").status != 200) {
    throw std::runtime_error("no channel aside");
  }
}

void Administrator::run(Ports ports, const std::atomic<bool>& stop) {
  HttpClient client(kLocalhost, ports.http);
  while (!stop) {
    switch (random_() % 5) {
      case 0:
        toggle_pause(client, "channel", "topic=" + orders_.topic() + "&channel=b");
        break;
      case 1:
        toggle_pause(client, "topic", "topic=" + events_.topic());
        break;
      case 2:
        make_or_delete_topic(client);
        break;
      default:
        make_or_delete_late_channel(client, ports);
    }
    std::this_thread::sleep_for(Milliseconds(random_() % 60));
  }
}

void Administrator::check(Ports ports) {
  HttpClient client(kLocalhost, ports.http);
  const Found found = look(client, orders_.topic());
  const auto compare = [&](Known& fact, bool there, const std::string& what) {
    if (fact == Known::Yes && !there) orders_.violation(what + " was lost");
    if (fact == Known::No && there) orders_.violation(what + " came back");
    fact = there ? Known::Yes : Known::No;
  };
  for (auto& [name, fact] : topics_) compare(fact, found.topics.contains(name), "topic " + name);
  for (auto& [key, fact] : paused_) {
    const auto there = found.paused.find(key);
    if (there == found.paused.end()) orders_.violation(key + " is gone");
    compare(fact, there != found.paused.end() && there->second, "pause of " + key);
  }
  compare(late_, found.late, "the late channel");
  // Made, but nobody was told so: what was published meanwhile may be there or not.
  if (late_ == Known::Yes && !late_owed_) {
    orders_.add_channel(kLate, orders_.next_number());
    late_owed_ = true;
  }
}

void Administrator::settle(Ports ports) {
  HttpClient client(kLocalhost, ports.http);
  for (auto& [key, fact] : paused_) {
    if (fact == Known::No) continue;
    std::string target = "/" + key;
    target.replace(target.find('%'), 1, "unpause");
    post(client, target, fact, Known::No);
  }
  for (auto& [name, fact] : topics_) {
    if (fact == Known::Yes) post(client, "/topic/delete?topic=" + name, fact, Known::No);
  }
}

}  // namespace nsq::crash
