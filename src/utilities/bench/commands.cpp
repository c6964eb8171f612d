#include "utilities/bench/commands.h"

#include <fmt/format.h>

#include <random>
#include <vector>

#include "base/bytes.h"
#include "client/commands.h"

namespace nsq::utilities {
namespace {

constexpr std::string_view kCharacters =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+-";
static_assert(kCharacters.size() == 64);

std::string make_body(std::size_t bytes, std::minstd_rand& random) {
  std::string body(bytes, ' ');
  for (char& c : body) c = kCharacters[(random() >> 8) % kCharacters.size()];
  return body;
}

// The same bytes follow the head of a batch in both protocols: for NSQ behind MPUB's size.
std::string mpub_content(const std::vector<std::string_view>& bodies) {
  std::string command;
  client::append_mpub(command, "", bodies);
  return command.substr(command.size() - client::mpub_bytes(bodies));
}

std::string make_command(const std::string& topic, const std::vector<std::string_view>& bodies,
                         const std::optional<std::string>& host) {
  const bool is_single = bodies.size() == 1;
  std::string command;
  if (!host) {
    if (is_single) {
      client::append_pub(command, topic, bodies.front());
    } else {
      client::append_mpub(command, topic, bodies);
    }
    return command;
  }
  const std::string content = is_single ? std::string(bodies.front()) : mpub_content(bodies);
  return fmt::format(
      "POST /{}?topic={}{} HTTP/1.1\r\nHost: {}\r\nContent-Type: application/octet-stream\r\n"
      "Content-Length: {}\r\n\r\n{}",
      is_single ? "pub" : "mpub", topic, is_single ? "" : "&binary=true", *host, content.size(),
      content);
}

}  // namespace

CommandBlock make_command_block(const std::string& topic, std::size_t body_bytes,
                                std::size_t messages, std::size_t commands,
                                std::optional<std::string> host) {
  CommandBlock block;
  block.messages = messages;
  block.body_stride = body_bytes + sizeof(std::uint32_t);
  std::minstd_rand random(1);
  for (std::size_t i = 0; i < commands; ++i) {
    std::vector<std::string> bodies;
    for (std::size_t j = 0; j < messages; ++j) bodies.push_back(make_body(body_bytes, random));
    const std::string command = make_command(topic, {bodies.begin(), bodies.end()}, host);
    block.command_bytes = command.size();
    block.first_body = command.size() - (messages - 1) * block.body_stride - body_bytes;
    if (i == 0) block.bytes.reserve(command.size() * commands);
    block.bytes += command;
  }
  return block;
}

void put_mark(CommandBlock& block, std::size_t command, const Mark& mark) {
  char* body = block.bytes.data() + command * block.command_bytes + block.first_body;
  for (std::size_t i = 0; i < block.messages; ++i, body += block.body_stride) {
    store_big(body, static_cast<std::int64_t>(mark.due.since_start().count()));
    store_big(body + 8, mark.run);
  }
}

Mark read_mark(std::string_view body) {
  return {Instant(Duration(load_big<std::int64_t>(body.data()))),
          load_big<std::uint64_t>(body.data() + 8)};
}

}  // namespace nsq::utilities
