#include "storage/buffer.h"

#include <cstring>
#include <set>
#include <vector>

#include "support/catch.h"

namespace nsq::storage {
namespace {

TEST_CASE("a buffer has all the room it was asked for, whatever was there before", "[storage]") {
  for (const std::size_t capacity :
       {std::size_t{0}, std::size_t{1}, std::size_t{32} << 10, (std::size_t{32} << 10) + 1,
        std::size_t{64} << 10, (std::size_t{64} << 10) + 1, std::size_t{256} << 10,
        (std::size_t{1} << 20) + 32, std::size_t{8} << 20, (std::size_t{8} << 20) + 1}) {
    INFO("capacity " << capacity);
    for (int round = 0; round < 3; ++round) {
      std::vector<Buffer> buffers;
      std::set<const char*> places;
      for (int i = 0; i < 10; ++i) {
        buffers.emplace_back(capacity);
        if (capacity > 0) std::memset(buffers.back().get(), i, capacity);
        places.insert(buffers.back().get());
      }
      CHECK(places.size() == 10);
      for (int i = 0; i < 10 && capacity > 0; ++i) {
        const char* const bytes = buffers[static_cast<std::size_t>(i)].get();
        CHECK((bytes[0] == i && bytes[capacity - 1] == i));
      }
    }
  }
  Buffer::trim();
}

TEST_CASE("a buffer that was moved from is empty, and one moved to lets its own go", "[storage]") {
  Buffer first(std::size_t{64} << 10);
  const char* const place = first.get();
  Buffer second(std::move(first));
  CHECK(second.get() == place);
  CHECK(first.get() == nullptr);
  Buffer third(std::size_t{128} << 10);
  third = std::move(second);
  CHECK(third.get() == place);
}

}  // namespace
}  // namespace nsq::storage
