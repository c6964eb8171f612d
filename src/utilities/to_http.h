#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/instant.h"
#include "nsq/config.h"
#include "utilities/source.h"

namespace nsq::utilities {

struct ToHttpOptions {
  std::string topic;
  std::string channel = "nsq_to_http";
  Source source;
  std::int64_t max_in_flight = 200;
  Config consumer;

  std::vector<std::string> post;    // URLs
  std::vector<std::string> get;     // URLs with one "%s"
  std::vector<std::string> header;  // "Name: value"
  std::string content_type{kDefaultContentType};
  std::int64_t n = 100;           // requests at the same time
  std::string mode = "hostpool";  // or epsilon-greedy, round-robin, multicast
  double sample = 1;              // the share of messages that is sent; the rest is just finished
  std::int64_t status_every = 250;
  Duration http_client_connect_timeout = std::chrono::seconds(2);
  Duration http_client_request_timeout = std::chrono::seconds(20);

  // Of https targets; paths of PEM files.
  std::string http_client_tls_cert;
  std::string http_client_tls_key;
  std::string http_client_tls_root_ca_file;
  bool http_client_tls_insecure_skip_verify = false;

  std::string user_agent;  // of the requests

  static constexpr const char* kDefaultContentType = "application/octet-stream";
};

// Sends the messages of a topic as HTTP requests, and finishes those that were answered well; the
// others go back and come again later. Ends with SIGINT or SIGTERM, once what was received is dealt
// with. Returns the exit status; what happens is told on standard error.
int to_http(const ToHttpOptions& options);

}  // namespace nsq::utilities
