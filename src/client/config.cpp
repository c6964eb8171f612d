#include "nsq/config.h"

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <limits>
#include <optional>
#include <variant>

#include "base/duration_text.h"
#include "base/instant.h"
#include "net/address.h"
#include "net/tls_context.h"
#include "nsq/client_error.h"

// One table says what each option is called, where it is kept and what its bounds are.
namespace nsq {
namespace {

using namespace std::chrono_literals;

using Member = std::variant<bool Config::*, std::int64_t Config::*, double Config::*,
                            Duration Config::*, std::string Config::*, BackoffStrategy Config::*>;
using Integer = std::int64_t;
constexpr Integer kUnlimited = std::numeric_limits<Integer>::max();

// Bounds of numbers; durations in nanoseconds. Unused for the other kinds.
struct Option {
  std::string_view name;
  Member member;
  Integer min = std::numeric_limits<Integer>::min();
  Integer max = kUnlimited;
};

constexpr Integer ns(Duration duration) {
  return duration.count();
}

constexpr std::array kOptions = {
    Option{"dial_timeout", &Config::dial_timeout, 1},
    Option{"read_timeout", &Config::read_timeout, ns(100ms), ns(5min)},
    Option{"write_timeout", &Config::write_timeout, ns(100ms), ns(5min)},
    Option{"local_addr", &Config::local_addr},
    Option{"heartbeat_interval", &Config::heartbeat_interval, -1},
    Option{"client_id", &Config::client_id},
    Option{"hostname", &Config::hostname},
    Option{"user_agent", &Config::user_agent},
    Option{"max_msg_size", &Config::max_msg_size, 0, Integer{1} << 30},
    Option{"output_buffer_size", &Config::output_buffer_size, -1},
    Option{"output_buffer_timeout", &Config::output_buffer_timeout, -1},
    Option{"topology_region", &Config::topology_region},
    Option{"topology_zone", &Config::topology_zone},
    Option{"lookupd_poll_interval", &Config::lookupd_poll_interval, ns(10ms), ns(5min)},
    Option{"lookupd_poll_jitter", &Config::lookupd_poll_jitter, 0, 1},
    Option{"lookupd_poll_timeout", &Config::lookupd_poll_timeout, 1},
    Option{"reconnect_delay", &Config::reconnect_delay, ns(1ms), ns(5min)},
    Option{"max_in_flight", &Config::max_in_flight, 0},
    Option{"msg_timeout", &Config::msg_timeout, 0},
    Option{"sample_rate", &Config::sample_rate, 0, 99},
    Option{"max_attempts", &Config::max_attempts, 0, 65'535},
    Option{"default_requeue_delay", &Config::default_requeue_delay, 0, ns(60min)},
    Option{"max_requeue_delay", &Config::max_requeue_delay, 0, ns(60min)},
    Option{"backoff_strategy", &Config::backoff_strategy},
    Option{"backoff_multiplier", &Config::backoff_multiplier, 0, ns(60min)},
    Option{"max_backoff_duration", &Config::max_backoff_duration, 0, ns(60min)},
    Option{"low_rdy_idle_timeout", &Config::low_rdy_idle_timeout, ns(1s), ns(5min)},
    Option{"low_rdy_timeout", &Config::low_rdy_timeout, ns(1s), ns(5min)},
    Option{"rdy_redistribute_interval", &Config::rdy_redistribute_interval, ns(1ms), ns(5s)},
    Option{"stop_timeout", &Config::stop_timeout, 0, ns(1h)},
    Option{"publish_timeout", &Config::publish_timeout, ns(100ms), ns(1h)},
    Option{"max_pending", &Config::max_pending, 1},
    Option{"max_pending_bytes", &Config::max_pending_bytes, 1},
    Option{"fail_when_full", &Config::fail_when_full},
    Option{"tls_v1", &Config::tls_v1},
    Option{"tls_cert", &Config::tls_cert},
    Option{"tls_key", &Config::tls_key},
    Option{"tls_root_ca_file", &Config::tls_root_ca_file},
    Option{"tls_insecure_skip_verify", &Config::tls_insecure_skip_verify},
    Option{"tls_min_version", &Config::tls_min_version},
    Option{"snappy", &Config::snappy},
    Option{"deflate", &Config::deflate},
    Option{"deflate_level", &Config::deflate_level, 1, 9},
    Option{"auth_secret", &Config::auth_secret},
    Option{"skip_lookupd_authorization", &Config::skip_lookupd_authorization},
};

Error invalid(std::string text) {
  return Error(ClientErrc::InvalidOption, std::move(text));
}

// Numbers as they are compared and shown.
std::string shown(Integer value) {
  return std::to_string(value);
}
std::string shown(double value) {
  return fmt::format("{}", value);
}
std::string shown(Duration value) {
  return duration_text(value);
}

template <typename T>
T bound_as(Integer bound) {
  if constexpr (std::is_same_v<T, Duration>) {
    return Duration(bound);
  } else {
    return static_cast<T>(bound);
  }
}

template <typename T>
Result<void> check_bounds(const Option& option, T value) {
  const T min = bound_as<T>(option.min);
  const T max = bound_as<T>(option.max);
  if (value < min) {
    return invalid(fmt::format("invalid {} ! {} < {}", option.name, shown(value), shown(min)));
  }
  // The negation also refuses what is no number.
  if (!(value <= max)) {
    return invalid(fmt::format("invalid {} ! {} > {}", option.name, shown(value), shown(max)));
  }
  return {};
}
Result<void> check_bounds(const Option&, bool) {
  return {};
}
Result<void> check_bounds(const Option&, const std::string&) {
  return {};
}
Result<void> check_bounds(const Option&, BackoffStrategy) {
  return {};
}

template <typename T>
std::optional<T> read_number(std::string_view text) {
  T value{};
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc() || stop != end) return std::nullopt;
  return value;
}

std::optional<bool> read(std::string_view text, bool) {
  for (const std::string_view word : {"1", "t", "T", "true", "TRUE", "True"}) {
    if (text == word) return true;
  }
  for (const std::string_view word : {"0", "f", "F", "false", "FALSE", "False"}) {
    if (text == word) return false;
  }
  return std::nullopt;
}
std::optional<Integer> read(std::string_view text, Integer) {
  return read_number<Integer>(text);
}
std::optional<double> read(std::string_view text, double) {
  return read_number<double>(text);
}
std::optional<Duration> read(std::string_view text, Duration) {
  return parse_duration(text);
}
std::optional<std::string> read(std::string_view text, const std::string&) {
  return std::string(text);
}
std::optional<BackoffStrategy> read(std::string_view text, BackoffStrategy) {
  if (text == "exponential") return BackoffStrategy::Exponential;
  if (text == "full_jitter") return BackoffStrategy::FullJitter;
  return std::nullopt;
}

std::string_view expected(const Member& member) {
  constexpr std::array<std::string_view, 6> kinds = {
      "not true or false",         "not an integer", "not a number",
      "not a duration like 1m30s", "not a text",     "neither exponential nor full_jitter"};
  return kinds[member.index()];
}

Result<void> check_source(const std::string& text) {
  if (text.empty()) return {};
  const net::Address address = net::Address::parse(text);
  if (address.is_tcp() && net::resolve_port(address)) return {};
  return invalid(fmt::format("invalid local_addr ! {} is not ip:port", text));
}

}  // namespace

Result<void> Config::set(std::string_view name, std::string_view value) {
  std::string wanted(name);
  for (char& c : wanted) c = c == '-' ? '_' : c;
  for (const Option& option : kOptions) {
    if (option.name != wanted) continue;
    return std::visit(
        [&](auto member) -> Result<void> {
          auto read_value = read(value, this->*member);
          if (!read_value) {
            return invalid(fmt::format("failed to coerce option {} ({}) - {}", option.name, value,
                                       expected(option.member)));
          }
          if (auto checked = check_bounds(option, *read_value); !checked) return checked;
          this->*member = std::move(*read_value);
          return {};
        },
        option.member);
  }
  return invalid(fmt::format("invalid option {}", name));
}

Result<void> Config::validate() const {
  for (const Option& option : kOptions) {
    const auto checked =
        std::visit([&](auto member) { return check_bounds(option, this->*member); }, option.member);
    if (!checked) return checked;
  }
  if (heartbeat_interval > read_timeout) {
    return invalid(fmt::format("heartbeat_interval {} must not be more than read_timeout {}",
                               duration_text(heartbeat_interval), duration_text(read_timeout)));
  }
  if (snappy && deflate) return invalid("snappy and deflate exclude each other");
  if (!net::parse_tls_version(tls_min_version)) {
    return invalid(
        fmt::format("invalid tls_min_version ! {} is not tls1.0 to tls1.3", tls_min_version));
  }
  if (tls_cert.empty() != tls_key.empty()) {
    return invalid("tls_cert and tls_key need each other");
  }
  return check_source(local_addr);
}

}  // namespace nsq
