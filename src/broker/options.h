#pragma once

#include <chrono>
#include <cstdint>
#include <vector>

#include "base/instant.h"

namespace nsq::broker {

// What a publish's OK means; docs/durability.md has the table of what survives what.
enum class Durability {
  Log,     // the message has reached the kernel: survives the end of the process
  Fsync,   // it has reached the disk: survives the end of the machine
  Memory,  // it is in memory; written when the memory window overflows, and at shutdown
};

inline constexpr std::uint64_t kReserveBytes = std::uint64_t{512} << 10;

// The broker's settings, under the names NSQ's documentation gives them where it has one.
struct Options {
  Durability durability = Durability::Log;
  // 0..1023, the top bits of every message id.
  std::uint32_t node_id = 0;

  // The memory window of each topic: the newest messages, at most so many and so many bytes (whole
  // chunks are kept, so that up to one chunk more may stay). Also the limit of what an ephemeral
  // topic or channel holds.
  std::uint64_t mem_queue_size = 10'000;
  std::uint64_t mem_queue_bytes = std::uint64_t{64} << 20;

  std::uint64_t max_bytes_per_file = 104'857'600;
  // Kept back on the disk for journals, see reserve.h; 0: nothing. The daemon keeps kReserveBytes.
  std::uint64_t reserve_bytes = 0;
  std::uint64_t sync_every = 2500;                  // messages
  Duration sync_timeout = std::chrono::seconds(2);  // since the oldest unsynced write
  Duration journal_interval = std::chrono::milliseconds(10);
  Duration maintenance_interval = std::chrono::seconds(1);

  Duration max_msg_timeout = std::chrono::minutes(15);  // TOUCH does not extend beyond this
  std::uint64_t max_channel_consumers = 0;              // 0: no limit

  // Quantiles in (0, 1] to report, in this order; none switches the measurement off.
  std::vector<double> e2e_processing_latency_percentiles;
  Duration e2e_processing_latency_window_time = std::chrono::minutes(10);
};

}  // namespace nsq::broker
