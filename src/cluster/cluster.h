#pragma once

#include <asio/awaitable.hpp>
#include <asio/io_context.hpp>
#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "cluster/found.h"
#include "cluster/node.h"
#include "cluster/questions.h"
#include "cluster/stats.h"
#include "http/client.h"
#include "nsq/result.h"

namespace nsq::cluster {

struct ClusterOptions {
  // Addresses "host:port" of lookupds, or if there are none, of the daemons themselves.
  std::vector<std::string> lookupds{};
  std::vector<std::string> daemons{};
  http::ClientOptions client{};
  // How long those that have answered wait for the others, when something is to be shown.
  Duration patience = std::chrono::milliseconds(600);
};

// How long to wait for servers that do not answer, once others have.
enum class Wait {
  ForMost,  // `patience`: to show something
  ForAll,   // as long as a request may take: to act on all of them
};

struct StatsFilter {
  std::string topic{};  // empty: all
  std::string channel{};
  bool with_clients = false;
};

// What one daemon says of its topics; node, host name and place are filled in everywhere.
struct NodeStats {
  Node node;
  DaemonStats stats;
};

// Requests to lookupds and daemons, since the start.
struct QuestionCounts {
  std::uint64_t asked = 0;
  std::uint64_t failed = 0;  // answered by an error, too late for the others, or not at all
};

// A cluster, asked through its lookupds or, without any, daemon by daemon.
//
// Every question is put to all servers it concerns at once. What comes back is a value and the
// errors of those that failed; if all failed, or there was none to ask, it is an error whose
// context is "failed to query any nsqlookupd: ..." or "failed to query any nsqd: ...".
//
// Threading: confined to its loop. Coroutines must end before it goes, or the loop with them.
class Cluster {
 public:
  template <typename T>
  using Answer = asio::awaitable<Result<Found<T>>>;

  Cluster(asio::io_context& loop, ClusterOptions options)
      : loop_(loop), options_(std::move(options)) {}

  const ClusterOptions& options() const { return options_; }
  const QuestionCounts& counts() const { return counts_; }
  bool has_lookupds() const { return !options_.lookupds.empty(); }
  // From the next question on.
  void set_lookupds(std::vector<std::string> addresses) {
    options_.lookupds = std::move(addresses);
  }

  // Names, sorted, each once.
  Answer<std::vector<std::string>> topics();
  // Those lookupds know. Without lookupds: NobodyAnswered.
  Answer<std::vector<std::string>> channels_of(std::string topic);

  // All daemons. Through lookupds sorted by host name.
  Answer<std::vector<Node>> nodes(Wait wait);
  // Those that have the topic; through lookupds without those where it is tombstoned.
  Answer<std::vector<Node>> nodes_of(std::string topic, Wait wait);
  // The daemon at an address, whether or not a lookupd knows it.
  asio::awaitable<Result<Node>> node_at(std::string address);

  Answer<std::vector<NodeStats>> stats(std::vector<Node> nodes, StatsFilter filter, Wait wait);
  // The same of the daemons in the options, asked at just these addresses, wherever they say they
  // are reached.
  Answer<std::vector<NodeStats>> stats_of_daemons(StatsFilter filter, Wait wait);

  // Posts to all lookupds, or to all the nodes; errors are only told. `target` is path and query.
  asio::awaitable<std::vector<std::string>> post_to_lookupds(std::string target);
  asio::awaitable<std::vector<std::string>> post_to(std::vector<std::string> addresses,
                                                    std::string target, std::string body = {});

 private:
  Answer<std::vector<Node>> nodes_from_lookupds(std::string target, bool by_tcp_port, Wait wait);
  // What daemons say of themselves, and their topics.
  Answer<std::vector<Node>> nodes_from_daemons(std::string topic, Wait wait);
  // `addresses` are those of the nodes.
  Answer<std::vector<NodeStats>> stats_at(std::vector<std::string> addresses,
                                          std::vector<Node> nodes, StatsFilter filter, Wait wait);
  asio::awaitable<std::vector<Result<std::string>>> get(const std::vector<std::string>& addresses,
                                                        std::string target, Wait wait);

  asio::awaitable<std::vector<Result<std::string>>> ask(std::vector<Question> questions,
                                                        Duration patience);

  asio::io_context& loop_;
  ClusterOptions options_;
  QuestionCounts counts_;
};

}  // namespace nsq::cluster
