#pragma once

#include <asio/awaitable.hpp>
#include <asio/io_context.hpp>
#include <memory>
#include <string>
#include <vector>

#include "base/instant.h"
#include "http/client.h"
#include "nsq/result.h"

namespace nsq::cluster {

struct Question {
  std::string method = "GET";
  std::string url{};
  std::string body{};
};

// Puts all questions at once and gives the bodies of the answers, in the questions' order.
//
// Each has the time that `options` allow. But those that answer do not wait for those that do not:
// once `patience` has passed and at least one answer is there, the others count as failed. A
// patience as long as the request's time waits for all of them.
//
// An answer other than 200 is an error: 'got response 404 Not Found "BODY"'.
asio::awaitable<std::vector<Result<std::string>>> ask_all(asio::io_context& loop,
                                                          std::vector<Question> questions,
                                                          http::ClientOptions options,
                                                          Duration patience);

}  // namespace nsq::cluster
