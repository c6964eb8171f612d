// Any bytes for a journal's file: what is replayed is replayed again, and an entry can follow.
#include <xxhash.h>

#include <string>
#include <string_view>
#include <vector>

#include "base/assert.h"
#include "base/bytes.h"
#include "storage/journal.h"
#include "support/memory_file_system.h"
#include "support/quiet_log.h"

using namespace nsq;
using namespace nsq::storage;

namespace {

using Entries = std::vector<std::string>;

constexpr std::size_t kHeaderBytes = 24;

// Mutations rarely hit a checksum: lengths are made to be believed, so that they are followed.
void make_believable(std::string& bytes) {
  if (bytes.size() < kHeaderBytes) return;
  const auto seed = load_little<std::uint64_t>(bytes.data() + 16);
  const auto sum = [&](std::size_t from, std::size_t size) {
    return XXH3_64bits_withSeed(bytes.data() + from, size, seed);
  };
  store_little(bytes.data() + 12, static_cast<std::uint32_t>(sum(0, 12)));
  for (std::size_t at = kHeaderBytes; at + 16 <= bytes.size();) {
    store_little(bytes.data() + at + 12, static_cast<std::uint32_t>(sum(at + 8, 4)));
    const std::size_t size = std::size_t{16} + load_little<std::uint32_t>(bytes.data() + at + 8);
    if (size > bytes.size() - at) break;
    store_little(bytes.data() + at, static_cast<std::uint64_t>(sum(at + 8, size - 8)));
    at += size;
  }
}

Entries replay(test::MemoryFileSystem& files, Journal& journal) {
  Entries entries;
  const bool known = files.exists("journal");
  const auto unreadable = journal.replay([&](std::string_view e) { entries.emplace_back(e); });
  if (!unreadable) return {};  // a newer version
  NSQ_ASSERT(known || *unreadable == 0);
  return entries;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const test::QuietLog quiet;
  std::string input(reinterpret_cast<const char*>(data), size);
  if (size % 2 == 0) make_believable(input);
  test::MemoryFileSystem files;
  files.put("journal", input);
  Entries entries;
  {
    Journal journal(files, "journal", 3);
    entries = replay(files, journal);
    const bool newer = entries.empty() && files.content("journal") == input &&
                       size > kHeaderBytes && load_little<std::uint32_t>(input.data() + 8) > 1;
    if (newer) return 0;
    NSQ_ASSERT(journal.append("next").ok());
  }
  Journal journal(files, "journal", 3);
  entries.push_back("next");
  NSQ_ASSERT(replay(files, journal) == entries);
  return 0;
}
