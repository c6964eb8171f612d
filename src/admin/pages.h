#pragma once

#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "admin/assets.h"
#include "admin/options.h"
#include "http/request.h"
#include "http/response.h"

namespace nsq::admin {

// Serves the page: one HTML document for all of its addresses, with the settings it needs put in,
// and the files that belong to it.
//
// Those carry a hash in their names and may be kept by browsers for ever; the document is asked for
// each time and answered 304 if nothing has changed.
//
// With `dev_static_dir` files are read from that directory at each request, on the loop: this is
// for those who work on the page, and not for a server others use.
//
// Threading: confined.
class Pages {
 public:
  // Options outlive it; the assets' bytes do.
  Pages(const Options& options, std::span<const Asset> assets);

  // `settings` is the JSON that the page reads.
  void serve_index(const http::Request& request, const std::string& settings,
                   http::Response& response) const;
  // 404 in plain text if there is no such file. `name` is one segment of a path.
  void serve_asset(const http::Request& request, std::string_view name,
                   http::Response& response) const;

  // What keeps a browser from being turned against its user, on every answer of the server.
  static void add_security_headers(http::Response& response);

 private:
  struct File {
    std::string gzip;  // empty where it is not at hand
    std::string plain;
    std::string tag;  // of its bytes: "\"...\""
  };

  const File* find(const std::string& name, File& scratch) const;
  std::string content_security_policy() const;
  void serve(const http::Request& request, const File& file, http::Response& response) const;

  const Options& options_;
  const std::string policy_;
  std::map<std::string, File, std::less<>> files_;
};

}  // namespace nsq::admin
