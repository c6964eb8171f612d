#pragma once

#include "base/instant.h"
#include "nsq/result.h"
#include "utilities/bench/link.h"

namespace nsq::utilities {

// One connection's part in a run, driven by a Worker.
//
// Errors of all calls: the run is over.
//
// Threading: confined to the worker's thread.
class Session {
 public:
  virtual ~Session() = default;

  virtual Link& link() = 0;
  // The first call, at the start of the run.
  virtual Result<void> begin(Instant now) = 0;
  // Something may be read.
  virtual Result<void> on_readable() = 0;
  // Something can be written, after `wants_to_write`.
  virtual Result<void> on_writable() = 0;
  virtual bool wants_to_write() const = 0;
  // When to call `on_due`, whatever happens or does not.
  virtual Instant next_due() const { return Instant::never(); }
  virtual Result<void> on_due(Instant) { return {}; }
  // Nothing more is to be done.
  virtual bool is_done() const = 0;
  // It goes on until the run is stopped.
  virtual bool is_endless() const { return false; }
};

}  // namespace nsq::utilities
