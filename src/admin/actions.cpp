#include "admin/actions.h"

#include <fmt/format.h>
#include <simdjson.h>

#include <algorithm>
#include <iterator>
#include <utility>

#include "base/json_writer.h"
#include "cluster/found.h"
#include "http/percent.h"
#include "http/request.h"
#include "protocol/json_text.h"
#include "protocol/names.h"

namespace nsq::admin {
namespace {

using cluster::Wait;
using Errors = std::vector<std::string>;

Error bad_body(std::string text) {
  return Error(std::make_error_code(std::errc::invalid_argument), std::move(text));
}

bool set_member(ActionBody& body, std::string_view key, const simdjson::dom::element& value) {
  const std::pair<std::string_view, std::string*> texts[] = {{"action", &body.action},
                                                             {"topic", &body.topic},
                                                             {"channel", &body.channel},
                                                             {"node", &body.node},
                                                             {"body", &body.body}};
  for (const auto& [name, target] : texts) {
    if (!http::same_token(name, key)) continue;
    std::string_view text;
    if (value.get(text) != simdjson::SUCCESS) return false;
    *target = text;
    return true;
  }
  if (http::same_token(key, "defer_ms")) return value.get(body.defer_ms) == simdjson::SUCCESS;
  if (http::same_token(key, "split")) return value.get(body.split) == simdjson::SUCCESS;
  return true;
}

void append(Errors& errors, Errors more) {
  std::move(more.begin(), more.end(), std::back_inserter(errors));
}

Answer done(const Errors& errors) {
  JsonWriter json;
  json.begin_object()
      .member("message", errors.empty() ? "" : "WARNING: " + cluster::joined(errors, "\n"))
      .end_object();
  return {200, json.take_text()};
}

std::string target_for(std::string_view path, const std::string& topic,
                       const std::string& channel = "") {
  std::string target = fmt::format("{}?topic={}", path, http::encode_query(topic));
  if (!channel.empty()) target += "&channel=" + http::encode_query(channel);
  return target;
}

// "/channel/pause" or "/topic/pause".
std::string path_for(const std::string& channel, std::string_view verb) {
  return fmt::format("/{}/{}", channel.empty() ? "topic" : "channel", verb);
}

}  // namespace

Result<ActionBody> parse_action(std::string_view json) {
  if (json.find_first_not_of(" \t\r\n") == std::string_view::npos) return bad_body("EOF");
  const std::string text = protocol::with_valid_unicode(json);
  simdjson::dom::parser parser;
  simdjson::dom::element root;
  if (const auto error = parser.parse(text).get(root)) {
    return bad_body(simdjson::error_message(error));
  }
  ActionBody body;
  if (root.is_null()) return body;
  simdjson::dom::object object;
  if (root.get(object) != simdjson::SUCCESS) return bad_body("the body must be a JSON object");
  for (const auto& [key, value] : object) {
    if (!value.is_null() && !set_member(body, key, value)) {
      return bad_body(fmt::format("\"{}\" is of the wrong type", key));
    }
  }
  return body;
}

asio::awaitable<Result<std::vector<std::string>>> Actions::nodes_for(std::string topic,
                                                                     Errors& errors) {
  auto nodes = co_await cluster_.nodes_of(std::move(topic), Wait::ForAll);
  if (!nodes) co_return nodes.error();
  append(errors, nodes->errors);
  std::vector<std::string> addresses;
  for (const cluster::Node& node : nodes->value) addresses.push_back(node.http_address());
  co_return addresses;
}

asio::awaitable<Answer> Actions::create(ActionBody what, Actor actor) {
  if (!protocol::is_valid_name(what.topic)) co_return error_answer(400, "INVALID_TOPIC");
  const bool has_channel = !what.channel.empty();
  if (has_channel && !protocol::is_valid_name(what.channel)) {
    co_return error_answer(400, "INVALID_CHANNEL");
  }
  const std::string topic_target = target_for("/topic/create", what.topic);
  const std::string channel_target = target_for("/channel/create", what.topic, what.channel);
  Errors errors;
  if (!cluster_.has_lookupds()) {
    append(errors, co_await cluster_.post_to(cluster_.options().daemons, topic_target));
    if (has_channel) {
      append(errors, co_await cluster_.post_to(cluster_.options().daemons, channel_target));
    }
  } else {
    append(errors, co_await cluster_.post_to_lookupds(topic_target));
    if (has_channel) {
      append(errors, co_await cluster_.post_to_lookupds(channel_target));
      const auto nodes = co_await nodes_for(what.topic, errors);
      if (!nodes) co_return upstream_error(nodes.error());
      append(errors, co_await cluster_.post_to(*nodes, channel_target));
    }
  }
  notifications_.send({.name = "create_topic", .topic = what.topic}, actor);
  if (has_channel) {
    notifications_.send({.name = "create_channel", .topic = what.topic, .channel = what.channel},
                        actor);
  }
  co_return done(errors);
}

asio::awaitable<Answer> Actions::act(std::string topic, std::string channel, ActionBody what,
                                     Actor actor) {
  if (what.action != "pause" && what.action != "unpause" && what.action != "empty") {
    co_return error_answer(400, "INVALID_ACTION");
  }
  const Action action{
      .name = fmt::format("{}_{}", what.action, channel.empty() ? "topic" : "channel"),
      .topic = topic,
      .channel = channel};
  notifications_.send(action, actor);  // even if nothing comes of it
  Errors errors;
  const auto nodes = co_await nodes_for(topic, errors);
  if (!nodes) co_return upstream_error(nodes.error());
  const std::string target = target_for(path_for(channel, what.action), topic, channel);
  append(errors, co_await cluster_.post_to(*nodes, target));
  co_return done(errors);
}

asio::awaitable<Answer> Actions::remove(std::string topic, std::string channel, Actor actor) {
  Errors errors;
  // First, since lookupds forget them.
  const auto nodes = co_await nodes_for(topic, errors);
  if (!nodes) co_return upstream_error(nodes.error());
  const std::string target = target_for(path_for(channel, "delete"), topic, channel);
  append(errors, co_await cluster_.post_to_lookupds(target));
  append(errors, co_await cluster_.post_to(*nodes, target));
  notifications_.send({.name = channel.empty() ? "delete_topic" : "delete_channel",
                       .topic = topic,
                       .channel = channel},
                      actor);
  co_return done(errors);
}

asio::awaitable<Answer> Actions::tombstone(std::string node, ActionBody what, Actor actor) {
  if (!protocol::is_valid_name(what.topic)) co_return error_answer(400, "INVALID_TOPIC");
  const std::string mark = fmt::format("{}&node={}", target_for("/topic/tombstone", what.topic),
                                       http::encode_query(node));
  Errors errors = co_await cluster_.post_to_lookupds(mark);
  const auto found = co_await cluster_.node_at(node);
  if (!found) co_return upstream_error(found.error());
  const std::vector<std::string> alone{node};
  const std::string target = target_for("/topic/delete", what.topic);
  append(errors, co_await cluster_.post_to(alone, target));
  notifications_.send({.name = "tombstone_topic_producer", .topic = what.topic, .node = node},
                      actor);
  co_return done(errors);
}

// The node asked for, or those that have the topic, or, for a topic that none has, all.
asio::awaitable<Result<std::vector<std::string>>> Actions::nodes_to_publish(
    const ActionBody& what) {
  std::vector<std::string> addresses;
  if (what.node.empty()) {
    Errors ignored;
    const auto having = co_await nodes_for(what.topic, ignored);
    if (having) addresses = *having;
    if (!addresses.empty()) co_return addresses;
  }
  const auto nodes = co_await cluster_.nodes(Wait::ForMost);
  if (!nodes) co_return nodes.error();
  for (const cluster::Node& node : nodes->value) {
    if (what.node.empty() || node.http_address() == what.node) {
      addresses.push_back(node.http_address());
    }
  }
  co_return addresses;
}

asio::awaitable<Answer> Actions::publish(ActionBody what, Actor actor) {
  if (!protocol::is_valid_name(what.topic)) co_return error_answer(400, "INVALID_TOPIC");
  if (what.body.empty()) co_return error_answer(400, "MSG_EMPTY");
  if (what.defer_ms < 0 || (what.split && what.defer_ms > 0)) {
    co_return error_answer(400, "INVALID_DEFER");
  }
  const auto nodes = co_await nodes_to_publish(what);
  if (!nodes) co_return upstream_error(nodes.error());
  if (nodes->empty()) co_return error_answer(404, "NODE_NOT_FOUND");
  std::string target = target_for(what.split ? "/mpub" : "/pub", what.topic);
  if (what.defer_ms > 0) target += fmt::format("&defer={}", what.defer_ms);
  Errors errors;
  for (const std::string& node : *nodes) {
    const std::vector<std::string> alone{node};
    Errors failed = co_await cluster_.post_to(alone, target, what.body);
    if (failed.empty()) {
      notifications_.send({.name = "publish", .topic = what.topic, .node = node}, actor);
      co_return done({});
    }
    append(errors, std::move(failed));
  }
  co_return error_answer(502, "UPSTREAM_ERROR: " + cluster::joined(errors, "\n"));
}

}  // namespace nsq::admin
