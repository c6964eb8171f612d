#include "daemon/lookup_registrations.h"

#include <string_view>
#include <utility>
#include <vector>

namespace nsq::daemon {
namespace {

void append_command(std::string& out, std::string_view verb, std::string_view topic,
                    std::string_view channel = "") {
  out.append(verb).append(" ").append(topic);
  if (!channel.empty()) out.append(" ").append(channel);
  out += '\n';
}

}  // namespace

void LookupRegistrations::start_over() {
  registered_.clear();
  changed_.clear();
  for (const auto& topic : broker_.topics()) changed_.insert(topic->name());
}

std::size_t LookupRegistrations::take_commands(std::string& out, std::size_t enough) {
  std::size_t count = 0;
  while (!changed_.empty() && count < enough) {
    const std::string name = std::move(changed_.extract(changed_.begin()).value());
    count += tell_topic(name, out);
  }
  return count;
}

std::size_t LookupRegistrations::tell_topic(const std::string& name, std::string& out) {
  auto topic = broker_.find_topic(name);
  if (topic && topic->exiting()) topic.reset();
  std::size_t count = 0;
  auto found = registered_.find(name);
  if (found != registered_.end() && (!topic || found->second.topic.lock() != topic)) {
    append_command(out, "UNREGISTER", name);
    ++count;
    registered_.erase(found);
    found = registered_.end();
  }
  if (!topic) return count;
  if (found == registered_.end()) {
    found = registered_.emplace(name, Topic{topic, {}}).first;
    // Its channels say it as well, where it has any.
    if (topic->channels().empty()) {
      append_command(out, "REGISTER", name);
      ++count;
    }
  }
  return count + tell_channels(*topic, found->second, out);
}

std::size_t LookupRegistrations::tell_channels(broker::Topic& topic, Topic& registered,
                                               std::string& out) {
  std::size_t count = 0;
  std::map<std::string, std::shared_ptr<broker::Channel>> present;
  for (const auto& channel : topic.channels()) present.emplace(channel->name(), channel);
  std::erase_if(registered.channels, [&](const auto& entry) {
    const auto found = present.find(entry.first);
    if (found != present.end() && found->second == entry.second.lock()) return false;
    append_command(out, "UNREGISTER", topic.name(), entry.first);
    ++count;
    return true;
  });
  for (const auto& [name, channel] : present) {
    if (!registered.channels.emplace(name, channel).second) continue;
    append_command(out, "REGISTER", topic.name(), name);
    ++count;
  }
  return count;
}

}  // namespace nsq::daemon
