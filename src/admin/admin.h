#pragma once

#include <memory>

#include "admin/options.h"
#include "nsq/result.h"

namespace nsq::admin {

// A whole admin server: one event loop, which asks the cluster, serves the page and its API, and
// keeps the history for its charts.
//
// Threading: shared, except that `start` and `stop` belong to the owner.
class Admin {
 public:
  explicit Admin(Options options);
  // Stops, if that has not been done.
  ~Admin();
  Admin(const Admin&) = delete;
  Admin& operator=(const Admin&) = delete;

  // Checks the options, binds, and serves. It does not ask whether anybody is there to be shown.
  // Errors: one line for the user, the context; nothing is left running.
  Result<void> start();
  // Requires: started.
  void stop();

  // The port really bound.
  int http_port() const;

 private:
  class Parts;
  std::unique_ptr<Parts> parts_;
};

}  // namespace nsq::admin
