#pragma once

#include <asio/awaitable.hpp>
#include <string>

#include "admin/answer.h"
#include "admin/history.h"
#include "admin/options.h"
#include "admin/overview.h"
#include "cluster/cluster.h"

namespace nsq::admin {

// The questions of the JSON API that change nothing. Each is a round, or a few, put to the cluster,
// and the answer to it as the original gives it.
//
// Threading: confined to the cluster's loop.
class Queries {
 public:
  // All of them outlive it.
  Queries(cluster::Cluster& cluster, const History& history, const Options& options)
      : cluster_(cluster), history_(history), options_(options) {}

  asio::awaitable<Answer> topics();
  asio::awaitable<Answer> inactive_topics();
  asio::awaitable<Answer> topic(std::string name);
  asio::awaitable<Answer> channel(std::string topic, std::string name);
  asio::awaitable<Answer> nodes();
  asio::awaitable<Answer> node(std::string address);
  asio::awaitable<Answer> counter();
  // Ours.
  asio::awaitable<Answer> overview();

  // What there is to know of the whole cluster without clients. An error if nothing is.
  asio::awaitable<Result<Snapshot>> snapshot(cluster::Wait wait, Warnings& warnings);

 private:
  cluster::Cluster& cluster_;
  const History& history_;
  const Options& options_;
};

}  // namespace nsq::admin
