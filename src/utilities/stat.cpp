#include "utilities/stat.h"

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <asio/awaitable.hpp>
#include <asio/basic_waitable_timer.hpp>
#include <asio/co_spawn.hpp>
#include <asio/experimental/as_tuple.hpp>
#include <asio/io_context.hpp>
#include <asio/use_awaitable.hpp>
#include <cstdlib>
#include <ctime>
#include <exception>
#include <iterator>
#include <string_view>
#include <utility>

#include "cluster/cluster.h"
#include "cluster/merge.h"
#include "net/tls_context.h"
#include "utilities/notice.h"
#include "utilities/overview_text.h"
#include "utilities/standard_output.h"
#include "utilities/stat_table.h"
#include "utilities/stop_signal.h"

namespace nsq::utilities {
namespace {

constexpr auto kUseTuple = asio::experimental::as_tuple(asio::use_awaitable);

using Timer = asio::basic_waitable_timer<std::chrono::steady_clock>;
using NodesStats = std::vector<cluster::NodeStats>;

bool has_scheme(const std::vector<std::string>& addresses) {
  return std::any_of(addresses.begin(), addresses.end(),
                     [](const std::string& address) { return address.starts_with("http"); });
}

// What is wrong with the options, in the order the original looks at them.
std::optional<std::string> find_mistake(const StatOptions& options) {
  if (options.topic.empty() && !options.channel.empty()) {
    return "--topic and --channel are required";
  }
  if (options.interval <= Duration::zero()) return "--interval should be positive";
  if (options.http_client_connect_timeout <= Duration::zero()) {
    return "--http-client-connect-timeout should be positive";
  }
  if (options.http_client_request_timeout <= Duration::zero()) {
    return "--http-client-request-timeout should be positive";
  }
  if (options.count && *options.count <= 0) return "--count should be positive";
  if (options.nsqd_http_address.empty() && options.lookupd_http_address.empty()) {
    return "--nsqd-http-address or --lookupd-http-address required";
  }
  if (!options.nsqd_http_address.empty() && !options.lookupd_http_address.empty()) {
    return "use --nsqd-http-address or --lookupd-http-address not both";
  }
  constexpr std::string_view kScheme = "error - address should not contain scheme";
  if (has_scheme(options.nsqd_http_address)) return fmt::format("--nsqd-http-address {}", kScheme);
  if (has_scheme(options.lookupd_http_address)) {
    return fmt::format("--lookupd-http-address {}", kScheme);
  }
  return std::nullopt;
}

cluster::ClusterOptions cluster_options(const StatOptions& options) {
  // For daemons that take nothing but TLS. Where the system has no authorities to trust, their 403
  // stands.
  const auto tls = net::TlsContext::for_client({});
  return {.lookupds = options.lookupd_http_address,
          .daemons = options.nsqd_http_address,
          .client = {.connect_timeout = options.http_client_connect_timeout,
                     .request_timeout = options.http_client_request_timeout,
                     .follow_https_port = tls.ok(),
                     .tls = tls ? *tls : nullptr}};
}

// The value, if nobody has failed: a sum without them would be wrong.
template <typename T>
Result<T> complete(Result<cluster::Found<T>> found) {
  if (!found) return found.error();
  if (found->errors.empty()) return std::move(found->value);
  return Error(cluster::ClusterErrc::BadAnswer, cluster::joined(found->errors, "\n"));
}

Error failure(std::string_view attempt, const Error& error) {
  return Error(error.code(), fmt::format("ERROR: failed to {} - {}", attempt, error.context()));
}

bool is_overview(const StatOptions& options) {
  return options.channel.empty() || options.once || options.json;
}

std::string clock_text() {
  return fmt::format("{:%H:%M:%S}", fmt::localtime(std::time(nullptr)));
}

// One run of the program, on the loop of its main thread.
class Stat {
 public:
  explicit Stat(const StatOptions& options)
      : options_(options), cluster_(loop_, cluster_options(options)) {}

  int run() {
    const StopSignal signal([this] { loop_.stop(); });
    asio::co_spawn(loop_, watch(), [this](std::exception_ptr failed, Result<void> result) {
      if (failed) std::rethrow_exception(failed);
      if (result) return;
      notice(result.error().context());
      exit_status_ = EXIT_FAILURE;
    });
    loop_.run();
    return exit_status_;
  }

 private:
  // Rounds keep to the interval however long asking takes, because rates are taken by it; one that
  // comes too late is not made up for.
  asio::awaitable<Result<void>> watch() {
    Timer timer(loop_);
    Instant due = Instant::now();
    for (; !options_.count || round_ <= *options_.count; ++round_) {
      timer.expires_at(due.to_steady());
      co_await timer.async_wait(kUseTuple);
      const auto text = co_await next_text();
      if (!text) co_return text.error();
      if (auto printed = print_text(*text); !printed) co_return printed;
      if (options_.once) break;
      due = std::max(due + options_.interval, Instant::now());
    }
    co_return Result<void>();
  }

  asio::awaitable<Result<std::string>> next_text() {
    if (is_overview(options_)) co_return co_await next_overview();
    co_return co_await next_lines();
  }

  asio::awaitable<Result<std::string>> next_lines() {
    const auto sample = co_await ask_channel();
    if (!sample) co_return sample.error();
    co_return table_.add(*sample);
  }

  // The first sample has no rates yet: it is shown to who is looking, or asked for just that one.
  asio::awaitable<Result<std::string>> next_overview() {
    auto found = co_await ask_all();
    if (!found) {
      if (round_ == 0) co_return found.error();
      found = cluster::Found<NodesStats>{{}, {found.error().context()}};
    }
    const std::size_t daemons = found->value.size();
    auto topics = overview_.add(std::move(found->value), Instant::now());
    const bool is_shown = round_ > 0 || options_.once;
    if (options_.json) {
      co_return is_shown ? overview_json(topics, Timestamp::now(), found->errors) : "";
    }
    if (is_terminal_ && !options_.once) {
      co_return draw(std::move(topics), daemons, found->errors);
    }
    for (const std::string& error : found->errors) notice(error);
    if (!is_shown) co_return std::string();
    co_return fmt::format("{}{}\n", round_ > 1 ? "\n" : "",
                          fmt::join(overview_lines(topics), "\n"));
  }

  // By name, as long as there is room for all.
  std::string draw(std::vector<TopicOverview> topics, std::size_t daemons,
                   const std::vector<std::string>& errors) {
    std::vector<std::string> lines{
        fmt::format("nsq stat  {}  {} daemon{}", clock_text(), daemons, daemons == 1 ? "" : "s")};
    for (const std::string& error : errors) lines.push_back("! " + printable(error));
    winsize size{};
    if (::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_row == 0) {
      size = {.ws_row = 24, .ws_col = 80, .ws_xpixel = 0, .ws_ypixel = 0};
    }
    auto table = overview_lines(topics);
    if (lines.size() + table.size() >= size.ws_row) {
      sort_by_traffic(topics);
      table = overview_lines(topics);
    }
    std::move(table.begin(), table.end(), std::back_inserter(lines));
    return screen_.draw(std::move(lines), size.ws_row, size.ws_col);
  }

  asio::awaitable<Result<cluster::Found<std::vector<cluster::Node>>>> find_nodes() {
    if (options_.topic.empty()) co_return co_await cluster_.nodes(cluster::Wait::ForMost);
    co_return co_await cluster_.nodes_of(options_.topic, cluster::Wait::ForMost);
  }

  // Whoever answers, and who does not.
  asio::awaitable<Result<cluster::Found<NodesStats>>> ask_all() {
    cluster::StatsFilter filter{.topic = options_.topic, .channel = options_.channel};
    if (!cluster_.has_lookupds()) {
      co_return co_await cluster_.stats_of_daemons(std::move(filter), cluster::Wait::ForMost);
    }
    auto nodes = co_await find_nodes();
    if (!nodes) co_return nodes.error();
    if (nodes->value.empty()) co_return cluster::Found<NodesStats>{{}, std::move(nodes->errors)};
    auto stats =
        co_await cluster_.stats(std::move(nodes->value), std::move(filter), cluster::Wait::ForMost);
    if (!stats) co_return stats.error();
    stats->errors.insert(stats->errors.begin(), nodes->errors.begin(), nodes->errors.end());
    co_return stats;
  }

  asio::awaitable<Result<cluster::ChannelStats>> ask_channel() {
    const auto stats = co_await ask_daemons();
    if (!stats) co_return stats.error();
    std::vector<cluster::ChannelStats> channels;
    for (const cluster::NodeStats& node : *stats) {
      for (const cluster::TopicStats& topic : node.stats.topics) {
        if (topic.name == options_.topic) take_channel(topic, channels);
      }
    }
    if (channels.empty()) {
      co_return Error(
          cluster::ClusterErrc::NoSuchNode,
          fmt::format("ERROR: failed to find channel({}) in stats metadata for topic({})",
                      options_.channel, options_.topic));
    }
    co_return cluster::merge_channel(options_.topic, options_.channel, std::move(channels));
  }

  void take_channel(const cluster::TopicStats& topic,
                    std::vector<cluster::ChannelStats>& into) const {
    for (const cluster::ChannelStats& channel : topic.channels) {
      if (channel.name == options_.channel) into.push_back(channel);
    }
  }

  asio::awaitable<Result<NodesStats>> ask_daemons() {
    constexpr std::string_view kStats = "get nsqd stats";
    cluster::StatsFilter filter{.topic = options_.topic, .channel = options_.channel};
    if (!cluster_.has_lookupds()) {
      auto stats =
          complete(co_await cluster_.stats_of_daemons(std::move(filter), cluster::Wait::ForAll));
      if (!stats) co_return failure(kStats, stats.error());
      co_return stats;
    }
    auto nodes = complete(co_await cluster_.nodes_of(options_.topic, cluster::Wait::ForAll));
    if (!nodes) co_return failure("get topic producers", nodes.error());
    if (nodes->empty()) {
      const Error nobody(cluster::ClusterErrc::NobodyAnswered,
                         "failed to query any nsqd: none has the topic");
      co_return failure(kStats, nobody);
    }
    auto stats = complete(
        co_await cluster_.stats(std::move(*nodes), std::move(filter), cluster::Wait::ForAll));
    if (!stats) co_return failure(kStats, stats.error());
    co_return stats;
  }

  const StatOptions& options_;
  asio::io_context loop_{1};
  cluster::Cluster cluster_;
  const bool is_terminal_ = ::isatty(STDOUT_FILENO) == 1;
  std::int64_t round_ = 0;
  StatTable table_{options_.interval};
  Overview overview_;
  Screen screen_;
  int exit_status_ = EXIT_SUCCESS;
};

}  // namespace

int stat(const StatOptions& options) {
  if (const auto mistake = find_mistake(options)) {
    notice(*mistake);
    return EXIT_FAILURE;
  }
  Stat program(options);
  return program.run();
}

}  // namespace nsq::utilities
