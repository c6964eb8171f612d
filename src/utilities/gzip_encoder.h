#pragma once

#include <memory>
#include <string>
#include <string_view>

namespace nsq::utilities {

// Compresses into gzip members, one after the other: each is complete by itself, and readers take
// them together as one text.
//
// Threading: confined.
class GzipEncoder {
 public:
  // Requires: a level from 1 to 9.
  explicit GzipEncoder(int level);
  ~GzipEncoder();
  GzipEncoder(const GzipEncoder&) = delete;
  GzipEncoder& operator=(const GzipEncoder&) = delete;

  // Appends to `out` what there is to write so far; it may be nothing yet.
  void add(std::string_view text, std::string& out);
  // Completes the member, an empty one if nothing was added; the next text begins another.
  void end_member(std::string& out);
  // Forgets what was added since the last member's end.
  void reset();

 private:
  struct Stream;
  void run(std::string_view text, int flush, std::string& out);

  std::unique_ptr<Stream> stream_;
};

}  // namespace nsq::utilities
