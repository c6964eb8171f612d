#include "utilities/bench/report.h"

#include <fmt/format.h>

#include <array>
#include <cmath>
#include <iterator>
#include <utility>

#include "base/json_writer.h"

namespace nsq::utilities {
namespace {

constexpr auto kPercentiles = std::to_array<std::pair<std::string_view, double>>(
    {{"p50", 0.5}, {"p90", 0.9}, {"p99", 0.99}, {"p99.9", 0.999}});

double seconds(Duration duration) {
  return std::chrono::duration<double>(duration).count();
}

double microseconds(Duration duration) {
  return std::chrono::duration<double, std::micro>(duration).count();
}

double per_second(std::uint64_t count, Duration duration) {
  return duration > Duration::zero() ? static_cast<double>(count) / seconds(duration) : 0;
}

// "87 us", "1.25 ms".
std::string shown(Duration duration) {
  const double us = microseconds(duration);
  if (us < 1000) return fmt::format("{:.{}f} us", us, us < 100 ? 1 : 0);
  if (us < 1e6) return fmt::format("{:.2f} ms", us / 1e3);
  return fmt::format("{:.2f} s", us / 1e6);
}

// Lines of a name and what there is to say, appended to a text.
class Lines {
 public:
  explicit Lines(std::string& text) : text_(text) {}

  void add(std::string_view name, std::string_view what) {
    fmt::format_to(std::back_inserter(text_), "  {:<18} {}\n", name, what);
  }
  void add(std::string_view name, const BenchReport::Flow& flow) {
    add(name,
        fmt::format("{} messages; measured {:.2f} s: {} msg/s, {:.1f} MB/s", grouped(flow.messages),
                    seconds(flow.measured), grouped(static_cast<std::uint64_t>(flow.rate())),
                    flow.bytes_rate() / 1e6));
  }
  void add(std::string_view name, const LatencyHistogram& latency) {
    if (latency.count() == 0) return;
    std::string what;
    for (const auto& [label, share] : kPercentiles) {
      what += fmt::format("{} {}  ", label, shown(latency.percentile(share)));
    }
    add(name, what + fmt::format("max {}", shown(latency.max())));
  }

 private:
  std::string& text_;
};

std::string headline(const BenchOptions& options) {
  std::string text = fmt::format("{}: {} bytes", to_string(options.mode), options.size);
  const bool publishes = options.mode != BenchMode::Sub;
  if (publishes) {
    text +=
        fmt::format(", {}, {} publishers with a window of {}",
                    options.batch == 1 ? "one by one" : fmt::format("batches of {}", options.batch),
                    options.publishers, options.window);
  }
  if (options.mode != BenchMode::Pub) {
    text += fmt::format(", {} consumers with RDY {}", options.consumers, options.rdy);
  }
  if (options.channels > 1) text += fmt::format(", {} channels", options.channels);
  if (options.rate > 0)
    text += fmt::format(", {} msg/s", grouped(static_cast<std::uint64_t>(options.rate)));
  return text;
}

void add_broker(Lines& lines, const BenchReport& report) {
  const BenchReport::Broker& broker = *report.broker;
  const double messages = static_cast<double>(report.measured_messages());
  std::string what = fmt::format("{:.2f} s of CPU", seconds(broker.cpu));
  if (messages > 0) {
    what += fmt::format(" ({:.3f} s per million messages)", seconds(broker.cpu) / messages * 1e6);
  }
  what +=
      fmt::format(", peak memory {:.1f} MB", static_cast<double>(broker.peak_resident_bytes) / 1e6);
  lines.add("broker", what);
}

double bytes_per_connection(const BenchReport& report) {
  const auto grown = static_cast<double>(report.broker->resident_after_bytes) -
                     static_cast<double>(report.broker->resident_before_bytes);
  return grown / static_cast<double>(*report.idle_connections);
}

void write_latency(JsonWriter& json, std::string_view name, const LatencyHistogram& latency) {
  if (latency.count() == 0) return;
  json.key(name).begin_object().member("count", latency.count());
  json.member("mean", microseconds(latency.mean()));
  for (const auto& [label, share] : kPercentiles) {
    json.member(label, microseconds(latency.percentile(share)));
  }
  json.member("max", microseconds(latency.max())).end_object();
}

void write_flow(JsonWriter& json, std::string_view name, const BenchReport::Flow& flow) {
  json.key(name)
      .begin_object()
      .member("messages", flow.messages)
      .member("measured_messages", flow.measured_messages)
      .member("measured_seconds", seconds(flow.measured))
      .member("rate", flow.rate())
      .member("bytes_per_second", flow.bytes_rate())
      .end_object();
}

void write_settings(JsonWriter& json, const BenchOptions& options) {
  json.member("mode", to_string(options.mode));
  json.key("addresses").begin_array();
  const auto& addresses =
      options.nsqd_http_address.empty() ? options.nsqd_tcp_address : options.nsqd_http_address;
  for (const std::string& address : addresses) json.value(address);
  json.end_array()
      .member("http", !options.nsqd_http_address.empty())
      .member("topic", options.topic)
      .member("size", options.size)
      .member("batch", options.batch)
      .member("publishers", options.publishers)
      .member("consumers", options.consumers)
      .member("channels", options.channels)
      .member("window", options.window)
      .member("rdy", options.rdy)
      .member("rate", options.rate)
      .member("count", options.count)
      .member("tls", options.client.tls_v1)
      .member("snappy", options.client.snappy)
      .member("deflate", options.client.deflate);
}

void write_broker(JsonWriter& json, const BenchReport& report) {
  const BenchReport::Broker& broker = *report.broker;
  json.key("broker").begin_object().member("cpu_seconds", seconds(broker.cpu));
  if (const auto messages = report.measured_messages(); messages > 0) {
    json.member("cpu_seconds_per_million",
                seconds(broker.cpu) / static_cast<double>(messages) * 1e6);
  }
  json.member("peak_memory_bytes", broker.peak_resident_bytes)
      .member("memory_before_bytes", broker.resident_before_bytes)
      .member("memory_after_bytes", broker.resident_after_bytes);
  if (report.idle_connections) json.member("bytes_per_connection", bytes_per_connection(report));
  json.end_object();
}

}  // namespace

double BenchReport::Flow::rate() const {
  return per_second(measured_messages, measured);
}

double BenchReport::Flow::bytes_rate() const {
  if (messages == 0) return 0;
  return rate() * (static_cast<double>(bytes) / static_cast<double>(messages));
}

std::uint64_t BenchReport::measured_messages() const {
  if (consumed) return consumed->measured_messages;
  return published ? published->measured_messages : 0;
}

std::string grouped(std::uint64_t number) {
  std::string text = std::to_string(number);
  for (auto at = static_cast<std::ptrdiff_t>(text.size()) - 3; at > 0; at -= 3) {
    text.insert(static_cast<std::size_t>(at), ",");
  }
  return text;
}

std::string report_text(const BenchReport& report, const BenchOptions& options) {
  std::string text = headline(options) + "\n";
  Lines lines(text);
  if (report.published) lines.add("published", *report.published);
  if (report.consumed) lines.add("consumed", *report.consumed);
  if (report.redelivered > 0) lines.add("redelivered", grouped(report.redelivered));
  if (report.foreign > 0) lines.add("not of this run", grouped(report.foreign));
  lines.add("delivered after", report.deliveries);
  lines.add("answered after", report.answers);
  lines.add("the tool was late", report.lateness);
  if (report.idle_connections) {
    lines.add("connections",
              fmt::format("{}, opened in {:.2f} s", grouped(*report.idle_connections),
                          seconds(report.connecting)));
    if (report.broker) {
      lines.add("memory", fmt::format("{:.0f} bytes per connection", bytes_per_connection(report)));
    }
  }
  if (report.broker) add_broker(lines, report);
  lines.add("this tool", fmt::format("{:.2f} s of CPU", seconds(report.tool_cpu)));
  return text;
}

std::string report_json(const BenchReport& report, const BenchOptions& options) {
  JsonWriter json;
  json.begin_object();
  write_settings(json, options);
  json.member("connect_seconds", seconds(report.connecting));
  if (report.published) write_flow(json, "published", *report.published);
  if (report.consumed) write_flow(json, "consumed", *report.consumed);
  if (report.expected > 0) json.member("expected", report.expected);
  if (report.consumed) {
    json.member("redelivered", report.redelivered).member("foreign", report.foreign);
  }
  if (report.idle_connections) json.member("idle_connections", *report.idle_connections);
  write_latency(json, "delivery_us", report.deliveries);
  write_latency(json, "answer_us", report.answers);
  write_latency(json, "lateness_us", report.lateness);
  json.key("tool").begin_object().member("cpu_seconds", seconds(report.tool_cpu)).end_object();
  if (report.broker) write_broker(json, report);
  json.member("complete", report.is_complete);
  if (!report.is_complete) json.member("error", report.failure);
  json.end_object();
  return json.take_text() + "\n";
}

}  // namespace nsq::utilities
