#include <fmt/format.h>

#include <asio/buffer.hpp>
#include <asio/experimental/as_tuple.hpp>
#include <asio/use_awaitable.hpp>
#include <asio/write.hpp>
#include <utility>

#include "client/commands.h"
#include "client/connection.h"
#include "net/address.h"
#include "net/connect.h"
#include "net/deflate_layer.h"
#include "net/layer_error.h"
#include "net/net_error.h"
#include "net/snappy_layer.h"
#include "net/tls_layer.h"
#include "nsq/client_error.h"

// How a connection begins: each step is a command and its answer, and some put a layer beneath the
// following ones.
namespace nsq::client {
namespace {

constexpr auto kUseTuple = asio::experimental::as_tuple(asio::use_awaitable);

bool has_tls_files(const Config& config) {
  return !config.tls_cert.empty() || !config.tls_root_ca_file.empty();
}

Result<std::shared_ptr<const net::TlsContext>> make_tls(const Config& config) {
  if (!config.tls_v1 && !has_tls_files(config)) return std::shared_ptr<const net::TlsContext>();
  return net::TlsContext::for_client(
      {.cert_file = config.tls_cert,
       .key_file = config.tls_key,
       .root_ca_file = config.tls_root_ca_file,
       .insecure_skip_verify = config.tls_insecure_skip_verify,
       .min_version = *net::parse_tls_version(config.tls_min_version)});
}

}  // namespace

Result<std::shared_ptr<const ConnectionProfile>> make_profile(
    const Config& config, std::shared_ptr<const ClientLog> log) {
  if (auto valid = config.validate(); !valid) return valid.error();
  auto tls = make_tls(config);
  if (!tls) return tls.error();
  std::optional<net::Endpoint> source;
  if (!config.local_addr.empty()) {
    auto endpoints = net::resolve(net::Address::parse(config.local_addr));
    if (!endpoints) return endpoints.error();
    source = endpoints->front();
  }
  if (!config.tls_v1 && has_tls_files(config)) {
    log->warning("certificates are configured and tls_v1 is not: connections are not encrypted");
  }
  return std::make_shared<const ConnectionProfile>(
      ConnectionProfile{config, encode_identify(config), std::move(*tls), source, std::move(log)});
}

asio::awaitable<Result<std::shared_ptr<Connection>>> Connection::open(
    asio::io_context& loop, std::string address, Profile profile,
    std::weak_ptr<Connection>& opening) {
  auto socket = co_await net::connect(loop, net::Address::parse(address),
                                      profile->config.dial_timeout, profile->source);
  if (!socket) co_return socket.error();
  auto connection = std::make_shared<Connection>(std::move(*socket), address, profile);
  opening = connection;
  // A daemon that only ever sends heartbeats is silent as well.
  net::Watchdog limit(loop.get_executor(),
                      [&connection] { connection->close(Error(ClientErrc::Silent, "")); });
  limit.expect_by(Instant::now() + profile->config.read_timeout);
  if (const auto shaken = co_await connection->shake_hands(); !shaken) {
    connection->close();
    co_return shaken.error();
  }
  connection->shaking_hands_ = false;
  co_return connection;
}

asio::awaitable<Result<void>> Connection::shake_hands() {
  std::string opening(protocol::kMagicV2);
  append_identify(opening, profile_->identify);
  send(opening);
  const auto identified = co_await answer("failed to IDENTIFY - ");
  if (!identified) co_return identified.error();
  profile_->log->debug("({}) IDENTIFY response: {}", address_, *identified);
  auto reply = parse_identify_reply(*identified);
  if (!reply) co_return reply.error();
  granted_ = *reply;
  if (profile_->config.tls_v1 && !granted_.tls_v1) co_return Error(ClientErrc::TlsRefused, "");
  if (granted_.tls_v1 && profile_->config.tls_v1) {
    if (auto started = co_await start_tls(); !started) co_return started.error();
  }
  if (auto started = co_await start_compression(); !started) co_return started.error();
  if (granted_.auth_required) co_return co_await authenticate();
  co_return Result<void>();
}

// The next frame that is no heartbeat; an error frame is a failure that begins with `failing`.
asio::awaitable<Result<std::string>> Connection::answer(std::string_view failing) {
  while (true) {
    const auto frame = next_frame();
    if (!frame) co_return frame.error();
    if (*frame && (*frame)->is(protocol::FrameType::Response))
      co_return std::string((*frame)->data);
    if (*frame && (*frame)->is(protocol::FrameType::Error)) {
      co_return Error(ClientErrc::Refused, std::string(failing).append((*frame)->data));
    }
    if (*frame) co_return Error(ClientErrc::NotNsq, "a message before any subscription");
    if (const auto received = co_await receive(); !received) co_return received.error();
  }
}

asio::awaitable<Result<void>> Connection::expect_ok(std::string_view after) {
  const auto said = co_await answer(after);
  if (!said) co_return said.error();
  if (*said == "OK") co_return Result<void>();
  co_return Error(ClientErrc::NotNsq, fmt::format("{}no OK", after));
}

asio::awaitable<Result<void>> Connection::start_tls() {
  profile_->log->info("({}) upgrading to TLS", address_);
  auto layer = net::TlsContext::connect(profile_->tls, net::Address::parse(address_).host());
  while (true) {
    std::string_view received = std::string_view(wire_).substr(wire_begin_);
    const auto done = layer->handshake(received);
    wire_begin_ = wire_.size() - received.size();
    std::string reply;
    if (done || done.error() == net::LayerErrc::HandshakeFailed) layer->flush(reply);
    if (!reply.empty()) {
      if (const auto sent = co_await write_wire(std::move(reply)); !sent) co_return sent.error();
    }
    if (!done) co_return done.error();
    if (*done) break;
    if (const auto read = co_await read_wire(); !read) co_return read.error();
  }
  layers_.push(std::move(layer));
  co_return co_await expect_ok("failed to upgrade to TLS - ");
}

asio::awaitable<Result<void>> Connection::start_compression() {
  const Config& config = profile_->config;
  if (granted_.deflate && config.deflate) {
    profile_->log->info("({}) upgrading to Deflate", address_);
    layers_.push(std::make_unique<net::DeflateLayer>(static_cast<int>(config.deflate_level)));
    co_return co_await expect_ok("failed to upgrade to deflate - ");
  }
  if (granted_.snappy && config.snappy) {
    profile_->log->info("({}) upgrading to Snappy", address_);
    layers_.push(std::make_unique<net::SnappyLayer>());
    co_return co_await expect_ok("failed to upgrade to snappy - ");
  }
  if (config.deflate || config.snappy) {
    profile_->log->warning("({}) compression was asked for and not granted", address_);
  }
  co_return Result<void>();
}

asio::awaitable<Result<void>> Connection::authenticate() {
  if (profile_->config.auth_secret.empty()) co_return Error(ClientErrc::AuthRequired, "");
  std::string command;
  append_auth(command, profile_->config.auth_secret);
  send(command);
  const auto said = co_await answer("");
  if (!said && said.error() == ClientErrc::Refused) {
    co_return Error(ClientErrc::AuthFailed, "Error authenticating " + said.error().context());
  }
  if (!said) co_return said.error();
  const auto reply = parse_auth_reply(*said);
  if (!reply) co_return reply.error();
  profile_->log->info("({}) Auth accepted. Identity: \"{}\" {} Permissions: {}", address_,
                      reply->identity, reply->identity_url, reply->permission_count);
  co_return Result<void>();
}

asio::awaitable<Result<void>> Connection::write_wire(std::string bytes) {
  // The daemon has answered what was sent so far, so nothing of ours is under way.
  if (writing_) co_return Error(ClientErrc::NotNsq, "an answer before the question");
  stalling_.expect_by(Instant::now() + profile_->config.write_timeout);
  const auto [error, sent] = co_await asio::async_write(socket_, asio::buffer(bytes), kUseTuple);
  stalling_.rest();
  if (error) co_return ended(error, "write");
  co_return Result<void>();
}

}  // namespace nsq::client
