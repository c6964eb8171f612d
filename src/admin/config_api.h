#pragma once

#include <functional>
#include <optional>
#include <string_view>

#include "admin/answer.h"
#include "admin/options.h"
#include "cluster/cluster.h"
#include "http/exchange.h"
#include "net/address_range.h"

namespace nsq::admin {

// GET and PUT /config/:opt. Any option can be read under its configuration name; the log level and
// the lookupds' addresses can be changed, until the server stops. Only from the configured range.
//
// Threading: confined, with the cluster.
class ConfigApi {
 public:
  // Options and the cluster outlive it.
  ConfigApi(const Options& options, cluster::Cluster& cluster,
            std::optional<net::AddressRange> range)
      : options_(options), cluster_(cluster), range_(range) {}

  void get(http::Exchange& exchange) const;
  // `on_change` follows a change of the addresses.
  void put(http::Exchange& exchange, const std::function<void()>& on_change) const;

 private:
  bool refuse(http::Exchange& exchange) const;
  void show(std::string_view name, http::Response& response) const;

  const Options& options_;
  cluster::Cluster& cluster_;
  const std::optional<net::AddressRange> range_;
};

}  // namespace nsq::admin
