#pragma once

#include <memory>
#include <span>
#include <vector>

#include "broker/channel.h"
#include "broker/deliveries.h"
#include "daemon/authorizer.h"
#include "daemon/client_output.h"
#include "daemon/direct_delivery.h"
#include "daemon/options.h"
#include "daemon/publish_group.h"
#include "net/tls_acceptor.h"
#include "protocol/command_reader.h"

namespace nsq::daemon {

protocol::CommandLimits command_limits(const Options& options);

// What the connections of one event loop share: working memory that none of them needs between two
// wake-ups, so that an idle connection holds none of it.
//
// Threading: confined to its loop.
struct ClientTools {
  explicit ClientTools(const Options& options) : reader(command_limits(options)) {}

  // Back to where no wake-up has left anything.
  void clear();

  // Where what has to be decoded is read to, for as long as that takes.
  std::span<char> received_room();

  std::unique_ptr<Authorizer> authorizer;  // null where everybody may do everything
  net::TlsAcceptor* tls = nullptr;         // null without a certificate; outlives the connections
  protocol::CommandReader reader;
  PublishGroup publishes;
  std::vector<broker::Answer> answers;
  std::vector<broker::AnswerOutcome> outcomes;
  broker::Deliveries deliveries;
  ClientOutput output;
  DirectDelivery direct;

 private:
  std::unique_ptr<char[]> received_;  // none until a client asks for TLS or compression
};

}  // namespace nsq::daemon
