#include <fmt/format.h>

#include "check/report.h"

namespace nsq::check {
namespace {

std::string size(std::uint64_t bytes) {
  if (bytes < 10'000) return fmt::format("{} bytes", bytes);
  if (bytes < 10'000'000) return fmt::format("{} kB", bytes / 1000);
  if (bytes < 10'000'000'000) return fmt::format("{} MB", bytes / 1'000'000);
  return fmt::format("{:.1f} GB", static_cast<double>(bytes) / 1e9);
}

std::string counted(std::uint64_t count, const char* what) {
  return fmt::format("{} {}{}", count, what, count == 1 ? "" : "s");
}

void add_problems(std::string& to, const SegmentReport& segment) {
  if (segment.header_damaged) {
    to += fmt::format("  DAMAGED   {}: the file's header\n", segment.path);
  }
  if (segment.damaged_places > 0 || (segment.header_damaged && segment.damaged_bytes > 0)) {
    to += fmt::format("  DAMAGED   {}: {} in {} are no messages\n", segment.path,
                      counted(segment.damaged_bytes, "byte"),
                      counted(segment.damaged_places, "place"));
  }
  if (segment.torn_bytes > 0) {
    to += fmt::format(
        "  note      {}: {} at its end, of a publish that was never complete; the next start takes "
        "them out\n",
        segment.path, counted(segment.torn_bytes, "byte"));
  }
}

void add_problems(std::string& to, const JournalReport& journal) {
  if (journal.header_damaged) {
    to += fmt::format("  DAMAGED   {}: the file's header\n", journal.path);
  }
  if (journal.unreadable_bytes > 0) {
    to += fmt::format("  DAMAGED   {}: {} between its entries\n", journal.path,
                      counted(journal.unreadable_bytes, "byte"));
  }
  if (journal.torn_bytes > 0) {
    to += fmt::format("  note      {}: {} at its end, of an entry that was never complete\n",
                      journal.path, counted(journal.torn_bytes, "byte"));
  }
}

void add(std::string& to, const ChannelReport& channel) {
  to += fmt::format("  channel   {}: depth {}", channel.name, channel.depth);
  if (channel.deferred > 0) to += fmt::format(", {} deferred", channel.deferred);
  if (channel.retried > 0) to += fmt::format(", {} of them tried before", channel.retried);
  if (channel.paused) to += ", paused";
  to += "\n";
}

void add(std::string& to, const TopicReport& topic) {
  to += fmt::format("\n{}{}\n", topic.name, topic.paused ? " (paused)" : "");
  std::uint64_t bytes = 0;
  for (const SegmentReport& segment : topic.segments) bytes += segment.bytes;
  to += fmt::format("  log       {} in {}, {}", counted(topic.records, "message"),
                    counted(topic.segments.size(), "segment"), size(bytes));
  if (topic.records > 0) to += fmt::format(", indexes {} to {}", topic.first, topic.last);
  to += "\n";
  if (topic.journal.bytes > 0) {
    to += fmt::format("  journal   {}, {}\n", size(topic.journal.bytes),
                      topic.journal.clean ? "left in good order" : "not left in good order");
  }
  if (topic.depth > 0) to += fmt::format("  waiting   {} at the topic\n", topic.depth);
  for (const ChannelReport& channel : topic.channels) add(to, channel);
  for (const SegmentReport& segment : topic.segments) add_problems(to, segment);
  add_problems(to, topic.journal);
  for (const ChannelReport& channel : topic.channels) {
    if (channel.missing == 0) continue;
    to += fmt::format("  DAMAGED   channel {} lacks {} that it has not finished\n", channel.name,
                      counted(channel.missing, "message"));
  }
  for (const std::string& path : topic.set_aside) {
    to += fmt::format("  note      {}: set aside by a daemon that could not read it\n", path);
  }
  for (const std::string& path : topic.leftovers) {
    to +=
        fmt::format("  note      {}: left by interrupted work; the next start removes it\n", path);
  }
}

}  // namespace

std::string to_text(const DirectoryReport& report) {
  std::string text =
      fmt::format("{}: {}\n", report.data_path, counted(report.topics.size(), "topic"));
  if (report.in_use) {
    text += "A daemon is running on it: what it writes just now may look incomplete.\n";
  }
  if (!report.metadata_problem.empty()) {
    text += fmt::format("DAMAGED   nsqd.dat: {}\n", report.metadata_problem);
  }
  for (const TopicReport& topic : report.topics) add(text, topic);
  text += report.damaged()
              ? "\nDamaged. 'nsq check --repair' saves what can be read, and keeps the "
                "originals.\n"
              : "\nSound.\n";
  return text;
}

}  // namespace nsq::check
