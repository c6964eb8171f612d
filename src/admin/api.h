#pragma once

#include <asio/awaitable.hpp>
#include <asio/io_context.hpp>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "admin/actions.h"
#include "admin/answer_cache.h"
#include "admin/config_api.h"
#include "admin/graphite.h"
#include "admin/history.h"
#include "admin/metrics_report.h"
#include "admin/notifications.h"
#include "admin/options.h"
#include "admin/pages.h"
#include "admin/queries.h"
#include "cluster/cluster.h"
#include "http/client.h"
#include "http/router.h"
#include "net/address_range.h"

namespace nsq::admin {

// All that the admin server answers: the page, the JSON API behind it, and what goes on in the
// background for them.
//
// The page sends a header of its own, for which it is given answers up to a second old; others,
// such as scripts that act and look in turn, always cause a round of questions.
//
// Threading: confined to its loop.
class Api {
 public:
  struct Parts {
    std::optional<net::AddressRange> config_range{};
    http::ClientOptions client{};
    std::span<const Asset> assets{};
  };
  // `options` are checked ones, and outlive it.
  Api(asio::io_context& loop, const Options& options, Parts parts);

  void add_routes(http::Router& router);
  // Begins to record history.
  void start();
  // Lets go of what belongs to the loop. Requires: the loop does not run any more.
  void release() { cache_.forget_all(); }

 private:
  using Work = std::function<asio::awaitable<Answer>()>;

  void add_pages(http::Router& router);
  void add_queries(http::Router& router);
  void add_actions(http::Router& router);
  void add_others(http::Router& router);

  // Answers a request with what `work` comes to.
  void answer_query(http::Exchange& exchange, Work work);
  // The same for what changes something: only for admins, and not on behalf of other sites.
  using Act = std::function<asio::awaitable<Answer>(ActionBody, Actor)>;
  void answer_action(http::Exchange& exchange, const Act& act, std::string_view body_error = {});
  asio::awaitable<void> respond(http::Responder responder, std::string key, Work work);
  asio::awaitable<Answer> acting(Work work);
  void spawn(asio::awaitable<void> coroutine);

  asio::awaitable<void> watch();
  void answer_metrics(http::Exchange& exchange) const;
  std::string settings_json(const http::Request& request) const;
  std::string path(std::string_view below) const;

  asio::io_context& loop_;
  const Options& options_;
  cluster::Cluster cluster_;
  History history_;
  Notifications notifications_;
  Queries queries_;
  Actions actions_;
  Graphite graphite_;
  ConfigApi config_;
  Pages pages_;
  AnswerCache cache_;
  RequestCounts requests_;
  const Instant started_ = Instant::now();
};

}  // namespace nsq::admin
