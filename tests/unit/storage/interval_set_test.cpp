#include "storage/interval_set.h"

#include <random>
#include <set>
#include <vector>

#include "support/catch.h"

using namespace nsq::storage;

namespace {

constexpr Index kLimit = 64;  // small, so that ranges meet

void check_same(const IntervalSet& set, const std::set<Index>& model) {
  REQUIRE(set.count() == model.size());
  REQUIRE(set.empty() == model.empty());
  REQUIRE(set.end() == (model.empty() ? 0 : *model.rbegin() + 1));
  std::set<Index> content;
  std::size_t ranges = 0;
  Index previous_end = 0;
  set.for_each([&](IndexRange range) {
    REQUIRE_FALSE(range.empty());
    REQUIRE((ranges == 0 || range.begin > previous_end));  // neither touching nor overlapping
    for (Index index = range.begin; index < range.end; ++index) content.insert(index);
    previous_end = range.end;
    ++ranges;
  });
  REQUIRE(content == model);
  REQUIRE(set.range_count() == ranges);
}

void check_questions(const IntervalSet& set, const std::set<Index>& model, Index from, Index to) {
  Index absent = from;
  while (model.contains(absent)) ++absent;
  const auto present = model.lower_bound(from);
  REQUIRE(set.next_absent(from) == absent);
  REQUIRE(set.next_present(from) == (present == model.end() ? kNoIndex : *present));
  REQUIRE(set.contains(from) == model.contains(from));
  std::vector<Index> within;
  set.for_each({from, to}, [&](IndexRange range) {
    for (Index index = range.begin; index < range.end; ++index) within.push_back(index);
  });
  REQUIRE(within == std::vector<Index>(present, from < to ? model.lower_bound(to) : present));
  REQUIRE(set.count_in({from, to}) == within.size());
}

}  // namespace

TEST_CASE("an interval set behaves like a set of indexes", "[storage]") {
  for (unsigned seed = 0; seed < 300; ++seed) {
    INFO("seed " << seed);
    std::mt19937 random(seed);
    IntervalSet set;
    std::set<Index> model;
    for (int step = 0; step < 120; ++step) {
      const Index from = random() % kLimit;
      const Index to = from + random() % 6;
      switch (random() % 12) {
        case 0:
          set.erase_below(from);
          model.erase(model.begin(), model.lower_bound(from));
          break;
        case 1:
          set.erase_from(from);
          model.erase(model.lower_bound(from), model.end());
          break;
        case 2: {
          IntervalSet other;
          other.add({from, to});
          other.add(to + 3);
          set.add(other);
          for (Index index = from; index < to; ++index) model.insert(index);
          model.insert(to + 3);
          break;
        }
        case 3:
          if (random() % 20 == 0) {
            set.clear();
            model.clear();
          }
          break;
        default:
          set.add({from, to});
          for (Index index = from; index < to; ++index) model.insert(index);
      }
      check_same(set, model);
      check_questions(set, model, random() % (kLimit + 10), random() % (kLimit + 10));
    }
  }
}

TEST_CASE("what is added in order stays one range", "[storage]") {
  IntervalSet set;
  for (Index index = 10; index < 1000; ++index) set.add(index);
  CHECK(set.range_count() == 1);
  CHECK(set.next_absent(10) == 1000);
}

TEST_CASE("a copied set is independent, and a moved one is left empty", "[storage]") {
  IntervalSet set;
  set.add({1, 5});
  IntervalSet copy = set;
  copy.add(9);
  CHECK(set.count() == 4);
  const IntervalSet moved = std::move(copy);
  CHECK(moved.count() == 5);
  CHECK(copy.empty());  // NOLINT: that is what is said of it
  CHECK(copy.count() == 0);
}
