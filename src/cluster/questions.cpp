#include "cluster/questions.h"

#include <fmt/format.h>

#include <asio/basic_waitable_timer.hpp>
#include <asio/co_spawn.hpp>
#include <asio/experimental/as_tuple.hpp>
#include <asio/use_awaitable.hpp>
#include <exception>
#include <optional>
#include <utility>

#include "base/duration_text.h"
#include "base/log.h"
#include "cluster/found.h"
#include "http/response.h"
#include "protocol/quote.h"

namespace nsq::cluster {
namespace {

constexpr auto kUseTuple = asio::experimental::as_tuple(asio::use_awaitable);
// Of an answer quoted in an error: somebody is to read it.
constexpr std::size_t kMaxQuotedBytes = 512;

using Timer = asio::basic_waitable_timer<std::chrono::steady_clock>;

// What the questions of one round share; those still out when it ends keep it.
struct Round {
  Round(asio::io_context& loop, std::size_t count)
      : answers(count), missing(count), changed(loop) {}

  std::vector<std::optional<Result<std::string>>> answers;
  std::size_t missing;
  std::size_t succeeded = 0;
  Timer changed;  // cancelled when the waiting may be over
};

class ClusterCategory final : public std::error_category {
 public:
  const char* name() const noexcept override { return "nsq.cluster"; }
  std::string message(int code) const override {
    switch (static_cast<ClusterErrc>(code)) {
      case ClusterErrc::NobodyAnswered:
        return "no server answered";
      case ClusterErrc::NoSuchNode:
        return "no such node";
      case ClusterErrc::BadAnswer:
        return "malformed answer";
    }
    return "unknown cluster error";
  }
};

http::ClientRequest request_for(const Question& question) {
  http::ClientRequest request{.method = question.method, .url = question.url};
  request.headers.emplace_back("Accept", "application/vnd.nsq; version=1.0");
  if (!question.body.empty()) {
    request.headers.emplace_back("Content-Type", "application/octet-stream");
    request.body = question.body;
  }
  return request;
}

asio::awaitable<Result<std::string>> ask(asio::io_context& loop, Question question,
                                         http::ClientOptions options) {
  log::debug("CI: querying {}", question.url);
  auto response = co_await http::fetch(loop, request_for(question), options);
  if (!response) co_return response.error();
  if (response->status == 200) co_return std::move(response->body);
  const std::string_view body = std::string_view(response->body).substr(0, kMaxQuotedBytes);
  co_return Error(ClusterErrc::BadAnswer,
                  fmt::format("got response {} {} {}", response->status,
                              http::reason_phrase(response->status), protocol::quote(body)));
}

asio::awaitable<void> ask_into(asio::io_context& loop, Question question,
                               http::ClientOptions options, std::shared_ptr<Round> round,
                               std::size_t index) {
  auto answer = co_await ask(loop, std::move(question), std::move(options));
  if (answer) ++round->succeeded;
  round->answers[index].emplace(std::move(answer));
  --round->missing;
  round->changed.cancel();
}

// Until all have answered or, after the patience, at least one has.
asio::awaitable<void> wait_for(std::shared_ptr<Round> round, Duration patience) {
  const Instant soon = Instant::now() + patience;
  while (round->missing > 0) {
    const bool is_late = Instant::now() >= soon;
    if (is_late && round->succeeded > 0) break;
    round->changed.expires_at((is_late ? Instant::never() : soon).to_steady());
    co_await round->changed.async_wait(kUseTuple);
  }
}

Error too_late(const Question& question, Duration patience) {
  const char* word = question.method == "GET" ? "Get" : "Post";
  return Error(
      std::make_error_code(std::errc::timed_out),
      fmt::format("{} \"{}\": no answer within {}", word, question.url, duration_text(patience)));
}

}  // namespace

std::error_code make_error_code(ClusterErrc code) {
  static const ClusterCategory category;
  return {static_cast<int>(code), category};
}

asio::awaitable<std::vector<Result<std::string>>> ask_all(asio::io_context& loop,
                                                          std::vector<Question> questions,
                                                          http::ClientOptions options,
                                                          Duration patience) {
  const auto round = std::make_shared<Round>(loop, questions.size());
  for (std::size_t i = 0; i < questions.size(); ++i) {
    asio::co_spawn(loop, ask_into(loop, questions[i], options, round, i),
                   [round](std::exception_ptr failed) {
                     if (!failed) return;
                     --round->missing;  // memory ran out for this one
                     round->changed.cancel();
                   });
  }
  co_await wait_for(round, patience);
  std::vector<Result<std::string>> answers;
  answers.reserve(questions.size());
  for (std::size_t i = 0; i < questions.size(); ++i) {
    auto& answer = round->answers[i];
    if (answer) {
      answers.push_back(std::move(*answer));
    } else {
      answers.push_back(too_late(questions[i], patience));
    }
  }
  co_return answers;
}

}  // namespace nsq::cluster
