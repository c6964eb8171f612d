#pragma once

#include <cstdint>
#include <vector>

#include "base/instant.h"

namespace nsq::client {

// How the messages a consumer may have in flight are shared out among its connections, as ready
// counts. The sum of what has been given out never exceeds the limit: changes are to be sent in the
// order they are returned, which takes before it gives.
//
// With fewer messages than connections each of the lucky ones gets 1, and `redistribute` moves it
// on to those that have gone without for the longest.
//
// Threading: confined. It reads no clock.
class ReadySharing {
 public:
  using Id = std::uint64_t;
  struct Change {
    Id id;
    std::int64_t count;

    friend bool operator==(const Change&, const Change&) = default;
  };
  using Changes = std::vector<Change>;

  ReadySharing(std::int64_t max_in_flight, Duration idle_timeout, Duration hold_timeout);

  // A connection whose daemon accepts ready counts up to `limit`. It begins with 0.
  Changes add(Id id, std::int64_t limit, Instant now);
  Changes remove(Id id, Instant now);
  Changes set_max_in_flight(std::int64_t count, Instant now);

  // Backoff: nothing for anyone; then 1 for one connection; then back to shares.
  Changes withhold(Instant now);
  Changes test_one(Instant now);
  Changes resume(Instant now);

  // Takes from connections that had no message for the idle timeout, or have had their turn for the
  // hold timeout, where there is not enough for all; gives to others.
  Changes redistribute(Instant now);

  void on_message(Id id, Instant now);

  std::int64_t max_in_flight() const { return max_in_flight_; }
  std::int64_t ready_count(Id id) const;
  std::int64_t sum() const;
  std::size_t size() const { return lines_.size(); }

 private:
  enum class Mode { Shares, Nothing, One };
  struct Line {
    Id id;
    std::int64_t limit;
    std::int64_t count = 0;
    std::int64_t target = 0;
    Instant since;         // it has had its count, or has been without
    Instant last_message;  // or the beginning of its turn
  };

  std::int64_t budget() const;
  bool is_scarce() const;
  void aim_at_shares();
  void aim_at_turns();
  Changes apply(Instant now);
  Line* find(Id id);

  std::int64_t max_in_flight_;
  const Duration idle_timeout_;
  const Duration hold_timeout_;
  Mode mode_ = Mode::Shares;
  std::vector<Line> lines_;  // in the order they came
};

}  // namespace nsq::client
