#pragma once

#include <memory>

#include "lookupd/options.h"
#include "nsq/result.h"

namespace nsq::lookupd {

// A whole lookupd: the registry, the loop that serves it, and what listens.
//
//   Lookupd lookupd(options);
//   if (auto started = lookupd.start(); !started) ...
//   ... lookupd.stop();
//
// Threading: confined to its owner's thread, which is not its loop.
class Lookupd {
 public:
  explicit Lookupd(Options options, Limits limits = {});
  // Stops, if that has not been done.
  ~Lookupd();
  Lookupd(const Lookupd&) = delete;
  Lookupd& operator=(const Lookupd&) = delete;

  // Checks the options, binds, then serves.
  // Errors: one line for the user, the context; nothing is left running.
  Result<void> start();
  // Stops serving and forgets everything. Requires: started.
  void stop();

  // The ports really bound.
  int tcp_port() const;
  int http_port() const;

 private:
  class Parts;
  std::unique_ptr<Parts> parts_;
};

}  // namespace nsq::lookupd
