#include "http/metrics_writer.h"

#include <fmt/format.h>

#include <charconv>
#include <cmath>
#include <optional>

#include "http/request.h"

namespace nsq::http {
namespace {

constexpr std::string_view kOpenMetrics = "application/openmetrics-text";

std::string_view trimmed(std::string_view text) {
  const auto is_space = [](char c) { return c == ' ' || c == '\t'; };
  while (!text.empty() && is_space(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_space(text.back())) text.remove_suffix(1);
  return text;
}

// Cuts off and returns what stands before the next separator.
std::string_view take_piece(std::string_view& text, char separator) {
  const std::size_t end = std::min(text.find(separator), text.size());
  const std::string_view piece = text.substr(0, end);
  text.remove_prefix(std::min(end + 1, text.size()));
  return trimmed(piece);
}

// The "q" among a media type's parameters.
double weight(std::string_view parameters) {
  while (!parameters.empty()) {
    const std::string_view parameter = take_piece(parameters, ';');
    if (!parameter.starts_with("q=") && !parameter.starts_with("Q=")) continue;
    double value = 0;
    const auto [end, error] =
        std::from_chars(parameter.data() + 2, parameter.data() + parameter.size(), value);
    return error == std::errc() && std::isfinite(value) ? value : 0;
  }
  return 1;
}

// Backslash and line feed, and in label values the quote.
void append_escaped(std::string_view text, bool in_quotes, std::string& out) {
  for (const char c : text) {
    if (c == '\n') {
      out += "\\n";
    } else {
      if (c == '\\' || (c == '"' && in_quotes)) out += '\\';
      out += c;
    }
  }
}

}  // namespace

MetricsFormat metrics_format(std::string_view accept) {
  double open_metrics = 0;
  double text = 0;
  while (!accept.empty()) {
    std::string_view item = take_piece(accept, ',');
    const std::string_view type = take_piece(item, ';');
    double& best = same_token(type, kOpenMetrics) ? open_metrics : text;
    best = std::max(best, weight(item));
  }
  return open_metrics > 0 && open_metrics >= text ? MetricsFormat::OpenMetrics
                                                  : MetricsFormat::Prometheus;
}

std::string_view metrics_content_type(MetricsFormat format) {
  return format == MetricsFormat::OpenMetrics
             ? "application/openmetrics-text; version=1.0.0; charset=utf-8"
             : "text/plain; version=0.0.4; charset=utf-8";
}

MetricLabels& MetricLabels::add(std::string_view name, std::string_view value) {
  if (!text_.empty()) text_ += ',';
  text_.append(name).append("=\"");
  append_escaped(value, true, text_);
  text_ += '"';
  return *this;
}

void MetricsWriter::family(std::string_view name, Type type, std::string_view help) {
  const bool is_open = format_ == MetricsFormat::OpenMetrics;
  name_ = name;
  if (type == Type::Counter) name_ += "_total";
  // In OpenMetrics the family is called without its samples' suffix.
  const std::string_view family_name = is_open ? name : std::string_view(name_);
  std::string_view word = "gauge";
  if (type == Type::Counter) word = "counter";
  if (type == Type::OldCounter) word = is_open ? "unknown" : "counter";
  if (type == Type::Histogram) word = "histogram";
  text_.append("# HELP ").append(family_name).append(" ");
  append_escaped(help, is_open, text_);
  text_.append("\n# TYPE ").append(family_name).append(" ").append(word).append("\n");
}

void MetricsWriter::begin_sample(std::string_view suffix, std::string_view labels) {
  text_.append(name_).append(suffix);
  if (!labels.empty()) text_.append("{").append(labels).append("}");
  text_ += ' ';
}

void MetricsWriter::integer(const MetricLabels& labels, std::int64_t value) {
  begin_sample("", labels.text());
  const fmt::format_int digits(value);
  text_.append(digits.data(), digits.size()).append("\n");
}

void MetricsWriter::natural(const MetricLabels& labels, std::uint64_t value) {
  begin_sample("", labels.text());
  const fmt::format_int digits(value);
  text_.append(digits.data(), digits.size()).append("\n");
}

void MetricsWriter::sample(const MetricLabels& labels, double value) {
  begin_sample("", labels.text());
  text_.append(fmt::format("{}\n", value));
}

// OpenMetrics has whole numbers with a point where they are labels.
std::string MetricsWriter::bound_text(double bound) const {
  std::string text = fmt::format("{}", bound);
  if (format_ == MetricsFormat::OpenMetrics && text.find_first_of(".e") == std::string::npos)
    text += ".0";
  return text;
}

void MetricsWriter::histogram(const Histogram::Snapshot& snapshot) {
  constexpr double kSecond = 1e9;
  std::uint64_t count = 0;
  for (std::size_t i = 0; i < Histogram::kBuckets; ++i) {
    count += snapshot.counts[i];
    const std::string bound =
        i < Histogram::kBounds.size()
            ? bound_text(static_cast<double>(Histogram::kBounds[i].count()) / kSecond)
            : "+Inf";
    begin_sample("_bucket", fmt::format("le=\"{}\"", bound));
    text_.append(fmt::format("{}\n", count));
  }
  begin_sample("_sum", "");
  text_.append(fmt::format("{}\n", static_cast<double>(snapshot.sum_ns) / kSecond));
  begin_sample("_count", "");
  text_.append(fmt::format("{}\n", count));
}

std::string MetricsWriter::take_text() {
  if (format_ == MetricsFormat::OpenMetrics) text_ += "# EOF\n";
  return std::move(text_);
}

}  // namespace nsq::http
