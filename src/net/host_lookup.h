#pragma once

#include <asio/awaitable.hpp>
#include <asio/io_context.hpp>
#include <asio/ip/address.hpp>
#include <asio/steady_timer.hpp>
#include <memory>
#include <string>
#include <vector>

#include "nsq/result.h"

namespace nsq::net {

// The addresses of a host, from whoever is asked for them. May take as long as it likes.
// Errors: NetErrc::NoSuchHost.
using HostAddresses = Result<std::vector<asio::ip::address>>;
using FindHost = HostAddresses (*)(const std::string& host);

// The system's way: files, DNS, whatever it is set up to ask.
HostAddresses ask_system_for_host(const std::string& host);

// A few threads that ask for hosts, and that nobody ever waits for: a name server that does not
// answer can keep one busy for half a minute, and must not keep a program from stopping. (Asio's
// resolver joins its thread.) They come when there is something to ask, and go when there is not.
//
// Threading: shared. Lives for ever, since its threads may.
class LookupCrew {
 public:
  // That of the process, which asks the system.
  static LookupCrew& instance();
  // One of its own, never freed, for tests.
  static LookupCrew& make(FindHost find);

  struct Job;
  // Sees to it that the job is told, unless it is abandoned before.
  void submit(std::shared_ptr<Job> job);

 private:
  struct State;
  explicit LookupCrew(FindHost find);
  static void work(State& state);

  State& state_;
};

// One question for a host's addresses, asked off the loop.
//
// Threading: confined to the loop. May go at any time, also with its loop, while the answer is
// still awaited somewhere.
class HostLookup {
 public:
  explicit HostLookup(asio::io_context& loop, LookupCrew& crew = LookupCrew::instance());
  ~HostLookup();
  HostLookup(const HostLookup&) = delete;
  HostLookup& operator=(const HostLookup&) = delete;

  // Errors: NetErrc::NoSuchHost, operation_aborted once `cancel` was called. To be called once.
  asio::awaitable<HostAddresses> run(std::string host);
  void cancel();

 private:
  asio::io_context& loop_;
  LookupCrew& crew_;
  asio::steady_timer answered_;  // never expires: it is cancelled when there is an answer
  std::shared_ptr<LookupCrew::Job> job_;
  std::shared_ptr<HostLookup*> self_;  // for what was posted: gone with this object
};

}  // namespace nsq::net
