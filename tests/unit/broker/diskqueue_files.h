#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "protocol/message_id.h"
#include "support/memory_file_system.h"

// Writes a data path as an nsqd leaves it, in its documented format.
namespace nsq::test {

struct OldMessage {
  std::string body;
  int attempts = 0;
  std::uint64_t id = 1;
  std::int64_t timestamp = 1'700'000'000'000'000'000;
};

inline std::string old_record(const OldMessage& message) {
  std::string bytes(14, '\0');
  store_big(bytes.data(), static_cast<std::uint32_t>(26 + message.body.size()));
  store_big(bytes.data() + 4, message.timestamp);
  store_big(bytes.data() + 12, static_cast<std::uint16_t>(message.attempts));
  return bytes + protocol::MessageId{message.id}.to_string() + message.body;
}

// "m1", "m2", ... with ids that go on from `first`.
inline std::vector<OldMessage> old_messages(int count, const std::string& name,
                                            std::uint64_t first = 1) {
  std::vector<OldMessage> messages;
  for (int i = 1; i <= count; ++i) {
    messages.push_back({name + std::to_string(i), 0, first + static_cast<std::uint64_t>(i)});
  }
  return messages;
}

inline std::string old_file_name(const std::string& base, int number) {
  std::string digits = std::to_string(number);
  digits.insert(0, 6 - digits.size(), '0');
  return base + ".diskqueue." + digits + ".dat";
}

// A queue of several files, read up to the first record of the first.
inline void put_old_queue(MemoryFileSystem& files, const std::string& base,
                          const std::vector<std::vector<OldMessage>>& contents, int first = 0) {
  std::size_t depth = 0;
  std::string content;
  int number = first;
  for (const auto& messages : contents) {
    content.clear();
    for (const OldMessage& message : messages) content += old_record(message);
    depth += messages.size();
    files.put("data/" + old_file_name(base, number++), content);
  }
  files.put("data/" + base + ".diskqueue.meta.dat",
            std::to_string(depth) + "\n" + std::to_string(first) + ",0\n" +
                std::to_string(number - 1) + "," + std::to_string(content.size()) + "\n");
}

}  // namespace nsq::test
