#include "cluster/cluster.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <utility>

#include "cluster/questions.h"
#include "http/percent.h"
#include "net/address.h"

namespace nsq::cluster {
namespace {

constexpr std::string_view kLookupd = "nsqlookupd";
constexpr std::string_view kDaemon = "nsqd";

Error nobody_answered(std::string_view kind, const std::vector<std::string>& errors) {
  return Error(ClusterErrc::NobodyAnswered,
               fmt::format("failed to query any {}: {}", kind, joined(errors, "\n")));
}

// The value, unless every one of `asked` servers failed.
template <typename T>
Result<Found<T>> unless_all_failed(Found<T> found, std::size_t asked, std::string_view kind) {
  if (found.errors.size() >= asked) return nobody_answered(kind, found.errors);
  return found;
}

std::string stats_target(const StatsFilter& filter) {
  std::string target = "/stats?format=json";
  if (!filter.topic.empty()) target += "&topic=" + http::encode_query(filter.topic);
  if (!filter.channel.empty()) target += "&channel=" + http::encode_query(filter.channel);
  if (!filter.with_clients) target += "&include_clients=false";
  return target;
}

void sort_and_unite(std::vector<std::string>& names) {
  std::sort(names.begin(), names.end());
  names.erase(std::unique(names.begin(), names.end()), names.end());
}

// Hands what each server said to `read`, which returns a Result<void>; errors are collected, in
// parsing as in asking.
template <typename Read>
void read_each(const std::vector<std::string>& addresses,
               const std::vector<Result<std::string>>& answers, std::vector<std::string>& errors,
               Read read) {
  for (std::size_t i = 0; i < answers.size(); ++i) {
    if (!answers[i]) {
      errors.push_back(answers[i].error().context());
      continue;
    }
    const Result<void> done = read(i, *answers[i]);
    if (!done) {
      errors.push_back(fmt::format("{}: {}", addresses[i], done.error().context()));
    }
  }
}

std::vector<std::string> addresses_of(const std::vector<Node>& nodes) {
  std::vector<std::string> addresses;
  addresses.reserve(nodes.size());
  for (const Node& node : nodes) addresses.push_back(node.http_address());
  return addresses;
}

std::string or_unknown(const std::string& address) {
  return address.empty() ? "N/A" : address;
}

// A daemon that does not say where it is reached, is where it was asked.
void fill_in_address(Node& node, const std::string& asked_at) {
  const auto address = net::Address::parse(asked_at);
  if (node.broadcast_address.empty()) node.broadcast_address = address.host();
  if (node.hostname.empty()) node.hostname = address.host();
  if (node.http_port == 0) node.http_port = std::atoi(address.port().c_str());
}

void fill_in_place(NodeStats& each) {
  const std::string address = each.node.http_address();
  for (TopicStats& topic : each.stats.topics) {
    topic.node = address;
    topic.hostname = each.node.hostname;
    for (ChannelStats& channel : topic.channels) {
      channel.node = address;
      channel.hostname = each.node.hostname;
      if (!channel.clients) continue;
      for (ClientStats& client : *channel.clients) {
        client.node = address;
        client.node_region = each.node.region;
        client.node_zone = each.node.zone;
      }
    }
  }
}

}  // namespace

asio::awaitable<std::vector<Result<std::string>>> Cluster::ask(std::vector<Question> questions,
                                                               Duration patience) {
  counts_.asked += questions.size();
  auto answers = co_await ask_all(loop_, std::move(questions), options_.client, patience);
  counts_.failed += static_cast<std::uint64_t>(
      std::count_if(answers.begin(), answers.end(), [](const auto& answer) { return !answer; }));
  co_return answers;
}

asio::awaitable<std::vector<Result<std::string>>> Cluster::get(
    const std::vector<std::string>& addresses, std::string target, Wait wait) {
  std::vector<Question> questions;
  for (const std::string& address : addresses) {
    questions.push_back({.url = fmt::format("http://{}{}", address, target)});
  }
  const Duration patience =
      wait == Wait::ForMost ? options_.patience : options_.client.request_timeout;
  co_return co_await ask(std::move(questions), patience);
}

Cluster::Answer<std::vector<std::string>> Cluster::topics() {
  const bool through_lookupds = has_lookupds();
  const auto addresses = through_lookupds ? options_.lookupds : options_.daemons;
  const std::string target = through_lookupds ? "/topics" : stats_target({});
  const auto answers = co_await get(addresses, target, Wait::ForMost);
  Found<std::vector<std::string>> found;
  read_each(addresses, answers, found.errors, [&](std::size_t, const std::string& body) {
    if (through_lookupds) {
      auto names = parse_names(body, "topics");
      if (!names) return Result<void>(names.error());
      found.value.insert(found.value.end(), names->begin(), names->end());
    } else {
      auto stats = parse_stats(body);
      if (!stats) return Result<void>(stats.error());
      for (const TopicStats& topic : stats->topics) found.value.push_back(topic.name);
    }
    return Result<void>();
  });
  sort_and_unite(found.value);
  co_return unless_all_failed(std::move(found), addresses.size(),
                              through_lookupds ? kLookupd : kDaemon);
}

Cluster::Answer<std::vector<std::string>> Cluster::channels_of(std::string topic) {
  const auto addresses = options_.lookupds;
  std::string target = "/channels?topic=" + http::encode_query(topic);
  const auto answers = co_await get(addresses, std::move(target), Wait::ForMost);
  Found<std::vector<std::string>> found;
  read_each(addresses, answers, found.errors, [&](std::size_t, const std::string& body) {
    auto names = parse_names(body, "channels");
    if (!names) return Result<void>(names.error());
    found.value.insert(found.value.end(), names->begin(), names->end());
    return Result<void>();
  });
  sort_and_unite(found.value);
  co_return unless_all_failed(std::move(found), addresses.size(), kLookupd);
}

Cluster::Answer<std::vector<Node>> Cluster::nodes(Wait wait) {
  if (!has_lookupds()) co_return co_await nodes_from_daemons("", wait);
  auto found = co_await nodes_from_lookupds("/nodes", true, wait);
  if (!found) co_return found.error();
  std::stable_sort(found->value.begin(), found->value.end(),
                   [](const Node& a, const Node& b) { return a.hostname < b.hostname; });
  mark_out_of_date(found->value);
  co_return found;
}

Cluster::Answer<std::vector<Node>> Cluster::nodes_of(std::string topic, Wait wait) {
  if (!has_lookupds()) co_return co_await nodes_from_daemons(std::move(topic), wait);
  std::string target = "/lookup?topic=" + http::encode_query(topic);
  co_return co_await nodes_from_lookupds(std::move(target), false, wait);
}

Cluster::Answer<std::vector<Node>> Cluster::nodes_from_lookupds(std::string target,
                                                                bool by_tcp_port, Wait wait) {
  const auto addresses = options_.lookupds;
  const auto answers = co_await get(addresses, std::move(target), wait);
  Found<std::vector<Node>> found;
  std::map<std::string, std::size_t> known;  // where in the value
  read_each(addresses, answers, found.errors, [&](std::size_t i, const std::string& body) {
    auto producers = parse_producers(body);
    if (!producers) return Result<void>(producers.error());
    for (Node& node : *producers) {
      const std::string seen = addresses[i] + "/" + or_unknown(node.remote_address);
      const std::string key = by_tcp_port ? node.tcp_address() : node.http_address();
      const auto [place, is_new] = known.emplace(key, found.value.size());
      if (is_new) found.value.push_back(std::move(node));
      found.value[place->second].remote_addresses.push_back(seen);
    }
    return Result<void>();
  });
  co_return unless_all_failed(std::move(found), addresses.size(), kLookupd);
}

Cluster::Answer<std::vector<Node>> Cluster::nodes_from_daemons(std::string topic, Wait wait) {
  const auto addresses = options_.daemons;
  std::string target = stats_target({.topic = topic});
  const auto answers = co_await get(addresses, std::move(target), wait);
  Found<std::vector<Node>> found;
  std::vector<std::string> have;  // the addresses whose nodes count
  std::vector<std::vector<NodeTopic>> topics;
  read_each(addresses, answers, found.errors, [&](std::size_t i, const std::string& body) {
    auto stats = parse_stats(body);
    if (!stats) return Result<void>(stats.error());
    if (!topic.empty() && stats->topics.empty()) return Result<void>();
    have.push_back(addresses[i]);
    topics.emplace_back();
    for (const TopicStats& each : stats->topics) topics.back().push_back({each.name});
    return Result<void>();
  });
  const auto infos = co_await get(have, "/info", wait);
  read_each(have, infos, found.errors, [&](std::size_t i, const std::string& body) {
    auto node = parse_info(body);
    if (!node) return Result<void>(node.error());
    node->topics = std::move(topics[i]);
    fill_in_address(*node, have[i]);
    found.value.push_back(std::move(*node));
    return Result<void>();
  });
  co_return unless_all_failed(std::move(found), addresses.size(), kDaemon);
}

asio::awaitable<Result<Node>> Cluster::node_at(std::string address) {
  const std::vector<std::string> addresses{address};
  const auto infos = co_await get(addresses, "/info", Wait::ForAll);
  if (!infos[0]) co_return nobody_answered(kDaemon, {infos[0].error().context()});
  auto node = parse_info(*infos[0]);
  if (!node) co_return nobody_answered(kDaemon, {address + ": " + node.error().context()});
  fill_in_address(*node, address);
  co_return node;
}

Cluster::Answer<std::vector<NodeStats>> Cluster::stats(std::vector<Node> nodes, StatsFilter filter,
                                                       Wait wait) {
  auto addresses = addresses_of(nodes);
  co_return co_await stats_at(std::move(addresses), std::move(nodes), std::move(filter), wait);
}

Cluster::Answer<std::vector<NodeStats>> Cluster::stats_of_daemons(StatsFilter filter, Wait wait) {
  auto addresses = options_.daemons;
  std::vector<Node> nodes(addresses.size());
  for (std::size_t i = 0; i < nodes.size(); ++i) fill_in_address(nodes[i], addresses[i]);
  co_return co_await stats_at(std::move(addresses), std::move(nodes), std::move(filter), wait);
}

Cluster::Answer<std::vector<NodeStats>> Cluster::stats_at(std::vector<std::string> addresses,
                                                          std::vector<Node> nodes,
                                                          StatsFilter filter, Wait wait) {
  std::string target = stats_target(filter);
  const auto answers = co_await get(addresses, std::move(target), wait);
  Found<std::vector<NodeStats>> found;
  read_each(addresses, answers, found.errors, [&](std::size_t i, const std::string& body) {
    auto stats = parse_stats(body);
    if (!stats) return Result<void>(stats.error());
    found.value.push_back({std::move(nodes[i]), std::move(*stats)});
    fill_in_place(found.value.back());
    return Result<void>();
  });
  co_return unless_all_failed(std::move(found), addresses.size(), kDaemon);
}

asio::awaitable<std::vector<std::string>> Cluster::post_to_lookupds(std::string target) {
  co_return co_await post_to(options_.lookupds, std::move(target));
}

asio::awaitable<std::vector<std::string>> Cluster::post_to(std::vector<std::string> addresses,
                                                           std::string target, std::string body) {
  std::vector<Question> questions;
  for (const std::string& address : addresses) {
    questions.push_back(
        {.method = "POST", .url = fmt::format("http://{}{}", address, target), .body = body});
  }
  const auto answers = co_await ask(std::move(questions), options_.client.request_timeout);
  std::vector<std::string> errors;
  for (const auto& answer : answers) {
    if (!answer) errors.push_back(answer.error().context());
  }
  co_return errors;
}

}  // namespace nsq::cluster
