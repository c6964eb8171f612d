#include "base/min_heap.h"

#include "support/catch.h"

TEST_CASE("values leave a heap smallest first, also after a sweep", "[base]") {
  nsq::MinHeap<int> heap;
  for (const int value : {5, 3, 9, 1, 7, 2}) heap.push(value);
  CHECK(heap.take_top() == 1);
  heap.sweep([](int value) { return value % 3 == 0; });
  CHECK(heap.size() == 3);
  CHECK(heap.take_top() == 2);
  CHECK(heap.take_top() == 5);
  CHECK(heap.take_top() == 7);
  CHECK(heap.empty());
}
