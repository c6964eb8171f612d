#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "broker/broker.h"
#include "daemon/client_service.h"
#include "daemon/http_api.h"
#include "daemon/settings.h"
#include "http/exchange.h"
#include "http/percent.h"
#include "http/router.h"
#include "net/event_loops.h"
#include "support/catch.h"
#include "support/manual_work_queue.h"
#include "support/memory_file_system.h"
#include "support/quiet_log.h"

namespace nsq::daemon::test {

struct Reply {
  int status = 0;
  std::string body;

  friend bool operator==(const Reply&, const Reply&) = default;
};

inline std::ostream& operator<<(std::ostream& out, const Reply& reply) {
  return out << reply.status << ' ' << reply.body;
}

inline Reply ok(std::string body = "") {
  return {200, std::move(body)};
}
inline Reply refused(int status, std::string_view code) {
  return {status, "{\"message\":\"" + std::string(code) + "\"}"};
}

// The HTTP API before a broker whose disk is memory, asked without a connection.
class ApiFixture {
 public:
  explicit ApiFixture(Options given = {}, broker::Options broker_options = {})
      : options(std::move(given)),
        broker(
            std::move(broker_options), "data", "1.4.0", files, work, [](Instant) {}, 1),
        clients(loops, broker, options, ClientService::Tls{}),
        settings(options.nsqlookupd_tcp_addresses) {
    REQUIRE(files.create_directory("data"));
    REQUIRE(broker.load(Moment::now()));
    add_api(router, context);
  }

  // As the connection would: finds the route, applies its limit on bodies, waits for the answer.
  Reply ask(std::string_view method, std::string_view target, std::string body = "") {
    const auto pending = std::make_shared<PendingRequest>(loops.loop(0).get_executor());
    http::Request& request = pending->asked;
    const std::string path(target.substr(0, target.find('?')));
    request.method = http::parse_method(method);
    request.path = path;
    request.remote = remote;
    if (path.size() < target.size()) request.raw_query = target.substr(path.size() + 1);
    const http::Route* route = router.find(request.method, path, request.path_arguments);
    if (route == nullptr) {
      router.answer_unrouted(request, pending->answer);
      return {pending->answer.status, pending->answer.body};
    }
    request.body_over_limit = body.size() > route->options.body_limit;
    if (!request.body_over_limit) request.body = body;
    http::Exchange exchange(pending);
    route->handler(exchange);
    while (exchange.is_deferred() && !pending->is_answered) {
      work.run_all();
      loops.loop(0).restart();
      loops.loop(0).poll();
    }
    headers = pending->answer.headers;
    return {pending->answer.status, pending->answer.body};
  }
  Reply post(std::string_view target, std::string body = "") {
    return ask("POST", target, std::move(body));
  }
  Reply get(std::string_view target) { return ask("GET", target); }

  broker::TopicStats topic(std::string_view name) {
    broker::StatsFilter filter;
    filter.topic = name;
    const auto stats = broker.stats(filter, Moment::now());
    REQUIRE(stats.size() == 1);
    return stats[0];
  }
  bool has_topic(std::string_view name) { return broker.find_topic(name) != nullptr; }

  nsq::test::QuietLog quiet;
  Options options;
  net::EventLoops loops{1};
  nsq::test::MemoryFileSystem files;
  nsq::test::ManualWorkQueue work;
  broker::Broker broker;
  ClientService clients;
  Settings settings;
  ApiContext context{.broker = broker,
                     .clients = clients,
                     .options = options,
                     .settings = settings,
                     .reports = loops.loop(0),
                     .start_time = Timestamp(1'795'237'781'000'000'000),
                     .tcp_port = 4150,
                     .http_port = 4151};
  http::Router router;
  std::string remote = "127.0.0.1:5000";  // who asks
  std::string headers;                    // of the last answer, beyond the usual ones

 private:
  class PendingRequest final : public http::Answerable {
   public:
    explicit PendingRequest(net::Executor loop) : loop_(loop) {}

    const http::Request& request() const override { return asked; }
    http::Response& response() override { return answer; }
    net::Executor executor() override { return loop_; }
    void on_answered() override { is_answered = true; }

    http::Request asked;
    http::Response answer;
    bool is_answered = false;

   private:
    net::Executor loop_;
  };
};

}  // namespace nsq::daemon::test
