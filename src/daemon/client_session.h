#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/instant.h"
#include "base/mutex.h"
#include "broker/broker.h"
#include "broker/consumer.h"
#include "broker/topic.h"
#include "daemon/authorizer.h"
#include "daemon/client_auth.h"
#include "daemon/client_info.h"
#include "daemon/client_output.h"
#include "daemon/client_tools.h"
#include "daemon/direct_delivery.h"
#include "daemon/options.h"
#include "net/layer.h"
#include "net/tls_layer.h"
#include "protocol/command.h"
#include "protocol/error_code.h"
#include "protocol/identify.h"

namespace nsq::daemon {

// One V2 client's conversation with the broker, without the socket it is held over: bytes in,
// frames out.
//
// Commands are executed in order, but not one by one: neighbouring publishes to one topic go to it
// in one call and are answered together, and so are neighbouring FINs, REQs and TOUCHes. Nothing is
// left waiting between two calls except a publish the broker has not committed yet; until that is
// settled no command that comes after it is executed. So it is while an auth server is asked.
//
// Threading: guarded by its connection's lock, and but for `deliver_directly` confined to its loop,
// except the overrides and `info`, which any thread may call. The tools are the loop's.
class ClientSession final : public broker::Consumer,
                            public broker::PublishWaiter,
                            public AuthWaiter {
 public:
  class Owner {
   public:
    // Something is to be done: call `on_notices` soon, on the loop. Any thread; must only take
    // note.
    virtual void on_session_notices() = 0;
    // Shares the ownership of the session.
    virtual std::shared_ptr<ClientSession> share_session() = 0;

   protected:
    ~Owner() = default;
  };

  enum class Progress {
    Open,       // go on with at least `needed_bytes` of input
    Waiting,    // for commits or an auth server, to be told by the owner's on_session_notices; the
                // input must stay
    Upgrading,  // after the answer to IDENTIFY, until `on_upgraded`: see `upgrade`
    Ended,      // with an error, which is in the output
    EndedQuietly,
  };
  struct Step {
    Progress progress = Progress::Open;
    std::size_t consumed = 0;
    std::size_t needed_bytes = 0;  // in all, from the first byte not consumed
  };

  // What IDENTIFY has agreed on besides. The owner carries it out, each step after all output of
  // the one before has been encoded: TLS, then compression, then it goes on.
  struct Upgrade {
    bool tls = false;
    bool snappy = false;
    bool deflate = false;
    int deflate_level = 0;

    // Null if none was agreed on.
    std::unique_ptr<net::Layer> make_compression() const;
  };

  ClientSession(Owner& owner, broker::Broker& broker, const Options& options, ClientTools& tools,
                std::string remote_address, std::string remote_host, Moment now);

  // Executes the commands at the beginning of `input`. Publishes to one topic need not wait for
  // those before them to be committed, up to a limit; all else does.
  Step execute(std::string_view input, Moment now, ClientOutput& output);
  // The client says no more, or took too long, and `input` is left: whether an error was added to
  // the output for it.
  bool on_input_end(std::string_view input, ClientOutput& output);
  // Adds what the consumer may have now, if it is time to ask.
  void deliver(Moment now, ClientOutput& output);
  // The same on the thread of a publisher whose message called this consumer. False if there is
  // more to do than that, which is then left to the loop. Requires: all output is written.
  bool deliver_directly(Moment now, DirectDelivery& direct);
  // All output was written: whether that held up deliveries, so that it is time for them again.
  bool on_output_written();

  enum class Notice { None, GoOn, ChannelClosed, Ended };
  // Takes what other threads have left. GoOn says to call `execute` and `deliver` again; Ended,
  // that a publish has failed, which is in the output.
  Notice on_notices(ClientOutput& output);
  // Whether publishes are being committed whose answers are still to come.
  bool is_committing() const { return !commits_.empty(); }

  // Leaves the channel. Idempotent.
  void leave(Moment now);

  // Requires: upgrading.
  const Upgrade& upgrade() const { return upgrade_; }
  // The connection travels in TLS, in compression, from here on: what is added to the output must.
  void on_tls_started(const net::TlsInfo& info, ClientOutput& output);
  void on_compression_started(ClientOutput& output);
  void on_upgraded();

  const protocol::IdentifySettings& settings() const { return settings_; }
  ClientInfo info() const;

  void on_messages_ready() override { notify(kMessagesReady); }
  void on_channel_closed() override { notify(kChannelClosed); }
  void on_published(std::uint64_t ticket, const Result<void>& outcome) override;
  void on_auth_answer(AuthAnswer answer) override;

 private:
  static constexpr unsigned kMessagesReady = 1;
  static constexpr unsigned kChannelClosed = 2;
  static constexpr unsigned kPublished = 4;
  static constexpr unsigned kAuthAnswered = 8;

  struct Turn {
    Moment now;
    ClientOutput& output;
  };
  using Handler = void (ClientSession::*)(const protocol::Command&, const Turn&);

  static Handler handler_of(protocol::Verb verb);
  std::size_t collect_finishes(std::string_view input);
  bool joins_group(const protocol::Command& command) const;
  bool settle(const Turn& turn);
  void publish(const Turn& turn);
  void answer(const Turn& turn);
  std::optional<Result<void>> publish_to_topic(const Turn& turn);
  void take_settled();
  void answer_commits(ClientOutput& output);

  void on_publish(const protocol::Command& command, const Turn& turn);
  void on_answer(const protocol::Command& command, const Turn& turn);
  void on_ready_count(const protocol::Command& command, const Turn& turn);
  void on_nop(const protocol::Command& command, const Turn& turn);
  void on_subscribe(const protocol::Command& command, const Turn& turn);
  void on_close(const protocol::Command& command, const Turn& turn);
  void on_identify(const protocol::Command& command, const Turn& turn);
  void on_authenticate(const protocol::Command& command, const Turn& turn);

  // who may do what, in client_session_auth.cpp
  bool admit(const protocol::Command& command, const Turn& turn);
  void ask_auth_servers();
  void end_authentication(const Turn& turn);
  void show_identity(const AuthGrants& grants);

  // IDENTIFY and what it leads to, in client_session_identify.cpp
  void note_identity(const protocol::IdentifyRequest& request);
  Upgrade agree(const protocol::IdentifyRequest& request) const;
  std::string identify_reply() const;

  protocol::CommandContext context() const;
  void fail(const protocol::ProtocolError& error, ClientOutput& output);
  void set_state(protocol::ConnectionState state);
  void notify(unsigned notice);
  void pull(Moment now, broker::PullLimit limit, broker::Deliveries& deliveries,
            ClientOutput& output);

  Owner& owner_;
  broker::Broker& broker_;
  const Options& options_;
  ClientTools& tools_;
  const bool tls_required_;
  const std::unique_ptr<ClientAuth> auth_;  // null where everybody may do everything

  protocol::IdentifySettings settings_;
  Upgrade upgrade_;       // by the latest IDENTIFY
  bool has_tls_ = false;  // these two stay for good
  bool has_compression_ = false;
  protocol::ConnectionState state_ = protocol::ConnectionState::Init;
  Progress progress_ = Progress::Open;
  std::shared_ptr<broker::Subscription> subscription_;
  bool pull_due_ = false;  // the broker called, or the consumer can take more than it could
  bool held_up_ = false;   // a pull was given up because of unwritten output
  std::shared_ptr<broker::Topic> topic_;  // of the latest publish

  // Groups of publishes being committed, all to `topic_`, in order.
  struct Commit {
    std::uint64_t ticket = 0;
    protocol::Verb verb = protocol::Verb::Pub;
    std::size_t commands = 0;
    std::size_t messages = 0;
    Instant since;  // when the commands came
    std::optional<Result<void>> outcome;
  };
  std::vector<Commit> commits_;
  std::uint64_t next_ticket_ = 0;
  std::optional<AuthAnswer> auth_answer_;  // came, and waits for the next `execute`

  struct Settled {
    std::uint64_t ticket = 0;
    Result<void> outcome;
  };
  Mutex settled_mutex_;
  std::vector<Settled> settled_ NSQ_GUARDED_BY(settled_mutex_);  // on their way to commits_

  std::atomic<unsigned> notices_{0};

  mutable Mutex info_mutex_;
  ClientInfo info_ NSQ_GUARDED_BY(info_mutex_);  // except pub_counts
  std::map<std::string, std::uint64_t> pub_counts_ NSQ_GUARDED_BY(info_mutex_);
};

}  // namespace nsq::daemon
