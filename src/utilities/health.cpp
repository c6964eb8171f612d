#include "utilities/health.h"

#include <fmt/format.h>

#include <algorithm>
#include <asio/awaitable.hpp>
#include <asio/co_spawn.hpp>
#include <asio/io_context.hpp>
#include <cstdlib>
#include <exception>
#include <string_view>
#include <thread>
#include <utility>

#include "http/client.h"
#include "net/tls_context.h"
#include "utilities/standard_output.h"

namespace nsq::utilities {
namespace {

constexpr Duration kBetweenRounds = std::chrono::milliseconds(100);
constexpr std::string_view kUsualAddresses[] = {"127.0.0.1:4151", "127.0.0.1:4161",
                                                "127.0.0.1:4171"};

enum class State { Healthy, Unhealthy, Absent };

struct Answer {
  std::string address;
  State state = State::Unhealthy;
  std::string text{};
};

std::string ping_url(std::string_view address) {
  while (address.ends_with('/')) address.remove_suffix(1);
  const bool is_url = address.find("://") != std::string_view::npos;
  return fmt::format("{}{}/ping", is_url ? "" : "http://", address);
}

// The first line of what a server says: it goes into one line here.
std::string first_line(const std::string& text) {
  return text.substr(0, text.find_first_of("\r\n"));
}

asio::awaitable<void> ask(asio::io_context& loop, http::ClientOptions options, Answer& answer) {
  // Named, because GCC 12 destroys an aggregate made within a co_await twice.
  http::ClientRequest request;
  request.url = ping_url(answer.address);
  const auto response = co_await http::fetch(loop, std::move(request), std::move(options));
  if (!response) {
    const bool is_absent = response.error().code() == std::errc::connection_refused;
    answer.state = is_absent ? State::Absent : State::Unhealthy;
    answer.text = response.error().context();
  } else {
    answer.state = response->status == 200 ? State::Healthy : State::Unhealthy;
    answer.text = first_line(response->body);
  }
}

// Asks all at once.
std::vector<Answer> ask_all(const HealthOptions& options,
                            const std::vector<std::string>& addresses) {
  // Whose certificate it is does not matter here: nothing is told, and only a status believed.
  const auto tls = net::TlsContext::for_client({.insecure_skip_verify = true});
  const http::ClientOptions client{.connect_timeout = options.timeout,
                                   .request_timeout = options.timeout,
                                   .response_bytes = 64 << 10,
                                   .redirects = 0,
                                   .follow_https_port = tls.ok(),
                                   .tls = tls ? *tls : nullptr};
  std::vector<Answer> answers;
  for (const std::string& address : addresses) answers.push_back({.address = address});
  asio::io_context loop{1};
  for (Answer& answer : answers) {
    asio::co_spawn(loop, ask(loop, client, answer), [](std::exception_ptr failed) {
      if (failed) std::rethrow_exception(failed);
    });
  }
  loop.run();
  return answers;
}

bool is_well(const HealthOptions& options, const std::vector<Answer>& answers) {
  const auto has = [&](State state) {
    return std::any_of(answers.begin(), answers.end(),
                       [state](const Answer& answer) { return answer.state == state; });
  };
  if (has(State::Unhealthy)) return false;
  if (!has(State::Absent) || options.absent_is_healthy) return true;
  // Of the usual ports nobody needs all.
  return options.http_address.empty() && has(State::Healthy);
}

std::string report(const std::vector<Answer>& answers, bool tells_absent) {
  std::string text;
  for (const Answer& answer : answers) {
    if (answer.state == State::Absent && !tells_absent) continue;
    text += fmt::format("{} {}\n", answer.address, answer.text);
  }
  return text;
}

}  // namespace

int health(const HealthOptions& options) {
  std::vector<std::string> addresses = options.http_address;
  if (addresses.empty()) addresses.assign(std::begin(kUsualAddresses), std::end(kUsualAddresses));
  const Instant deadline = Instant::now() + options.wait;
  auto answers = ask_all(options, addresses);
  while (!is_well(options, answers) && Instant::now() < deadline) {
    std::this_thread::sleep_for(kBetweenRounds);
    answers = ask_all(options, addresses);
  }
  const bool well = is_well(options, answers);
  if (auto printed = print_text(report(answers, !well)); !printed) return EXIT_FAILURE;
  return well ? EXIT_SUCCESS : EXIT_FAILURE;
}

}  // namespace nsq::utilities
