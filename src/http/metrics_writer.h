#pragma once

#include <concepts>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "base/histogram.h"

namespace nsq::http {

// The two forms in which metrics are scraped: Prometheus's text format 0.0.4, and OpenMetrics 1.0.
enum class MetricsFormat { Prometheus, OpenMetrics };

// What a scraper's Accept header asks for; Prometheus's where it does not say.
MetricsFormat metrics_format(std::string_view accept);
std::string_view metrics_content_type(MetricsFormat format);  // of static storage

// The labels of a sample, written once and used for every metric of the same thing.
//
// Threading: confined, and immutable once filled.
class MetricLabels {
 public:
  // The name is valid as it is; the value may be anything, and is escaped.
  MetricLabels& add(std::string_view name, std::string_view value);
  // `topic="t",channel="c"`
  const std::string& text() const { return text_; }

 private:
  std::string text_;
};

// Writes metrics: a family, then its samples, then the next.
//
//   MetricsWriter metrics(format);
//   metrics.family("nsqd_topic_paused", MetricsWriter::Type::Gauge, "Whether the topic is
//   paused."); metrics.sample(labels, 1); metrics.take_text();
//
// Threading: confined.
class MetricsWriter {
 public:
  enum class Type {
    Gauge,
    Counter,     // its samples' names end in "_total", which the family's name is given without
    OldCounter,  // the same under a name that others chose, written as it is
    Histogram,
  };

  explicit MetricsWriter(MetricsFormat format) : format_(format) {}

  // Begins a family. Requires: a name that no family before had, a help of one line.
  void family(std::string_view name, Type type, std::string_view help);

  // Samples of the family. Requires: no two with the same labels.
  template <std::integral T>
  void sample(const MetricLabels& labels, T value) {
    if constexpr (std::is_signed_v<T>)
      integer(labels, value);
    else
      natural(labels, value);
  }
  void sample(const MetricLabels& labels, double value);
  template <typename T>
  void sample(T value) {
    sample(MetricLabels(), value);
  }
  void histogram(const Histogram::Snapshot& snapshot);  // times, in seconds

  std::size_t size() const { return text_.size(); }
  std::string take_text();

 private:
  void integer(const MetricLabels& labels, std::int64_t value);
  void natural(const MetricLabels& labels, std::uint64_t value);
  void begin_sample(std::string_view suffix, std::string_view labels);
  std::string bound_text(double bound) const;

  const MetricsFormat format_;
  std::string text_;
  std::string name_;  // of the family, as its samples have it
};

}  // namespace nsq::http
