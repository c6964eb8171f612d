#pragma once

#include <system_error>

namespace nsq::broker {

enum class BrokerErrc {
  Exiting = 1,       // the topic or channel is being deleted, or the broker is stopping
  TooManyConsumers,  // --max-channel-consumers reached
  TopicNotFound,
  ChannelNotFound,
  Draining,  // nothing new is taken, what is there is given away: Broker::drain
};

std::error_code make_error_code(BrokerErrc code);

}  // namespace nsq::broker

template <>
struct std::is_error_code_enum<nsq::broker::BrokerErrc> : std::true_type {};
