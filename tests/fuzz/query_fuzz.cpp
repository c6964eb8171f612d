#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "http/metrics_writer.h"
#include "http/percent.h"
#include "http/query.h"

// Arbitrary bytes as a query string; whatever was encoded must be found again. And as an Accept
// header and the value of a label.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  nsq::http::Query query;
  if (query.parse(bytes)) query.find("topic");
  static_cast<void>(nsq::http::metrics_format(bytes));
  if (nsq::http::MetricLabels().add("a", bytes).text().find('\n') != std::string::npos)
    std::abort();

  const std::string_view name = bytes.substr(0, size / 2);
  const std::string_view value = bytes.substr(size / 2);
  const std::string text =
      nsq::http::encode_query(name) + "=" + nsq::http::encode_query(value) + "&topic=t";
  if (!query.parse(text) || query.find(name) != value) std::abort();
  return 0;
}
