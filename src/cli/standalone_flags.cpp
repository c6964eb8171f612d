#include "cli/standalone_flags.h"

#include <algorithm>
#include <iterator>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace nsq::cli {
namespace {

// One of the servers' tables, and what its flags are told apart by.
struct Part {
  std::string server;   // in names
  std::string heading;  // before those in the help
  std::vector<Flag> rows;
};

bool is_left_out(const Part& part, const Flag& flag) {
  if (flag.group == "Ineffective" || flag.name == "nsqd-http-address") return true;
  return flag.name == "log-level" && part.server != "daemon";
}

Part make_part(std::string server, std::string heading, FlagTable table) {
  Part part{std::move(server), std::move(heading), {}};
  for (Flag& flag : table.flags()) {
    if (!is_left_out(part, flag)) part.rows.push_back(std::move(flag));
  }
  return part;
}

// Those that need their server's name: what several have, and what reads like one of them then.
std::set<std::string> ambiguous_names(const std::vector<Part>& parts) {
  std::set<std::string> seen;
  std::set<std::string> ambiguous;
  for (const Part& part : parts) {
    for (const Flag& flag : part.rows) {
      if (!seen.insert(flag.name).second) ambiguous.insert(flag.name);
    }
  }
  std::set<std::string> prefixed;
  for (const Part& part : parts) {
    for (const std::string& name : ambiguous) prefixed.insert(part.server + "-" + name);
  }
  std::set_intersection(seen.begin(), seen.end(), prefixed.begin(), prefixed.end(),
                        std::inserter(ambiguous, ambiguous.end()));
  return ambiguous;
}

}  // namespace

void add_standalone_flags(FlagTable& flags, StandaloneFlags& into) {
  FlagTable daemon("", ""), lookupd("", ""), admin("", "");
  add_daemon_flags(daemon, into.daemon);
  add_lookupd_flags(lookupd, into.lookupd);
  add_admin_flags(admin, into.admin);
  std::vector<Part> parts;
  parts.push_back(make_part("daemon", "Daemon", std::move(daemon)));
  parts.push_back(make_part("lookupd", "Lookupd", std::move(lookupd)));
  parts.push_back(make_part("admin", "Admin", std::move(admin)));

  const std::set<std::string> ambiguous = ambiguous_names(parts);
  for (Part& part : parts) {
    for (Flag& flag : part.rows) {
      if (ambiguous.contains(flag.name)) {
        flag.name = part.server + "-" + flag.name;
        if (!flag.key.empty()) flag.key = part.server + "_" + flag.key;
      }
      flag.group = part.heading + ": " + flag.group;
      flags.add_row(std::move(flag));
    }
  }
  flags.find("daemon-lookupd-tcp-address")->help =
      "a lookupd to report to besides the one in this process; may be given several times";
  flags.find("admin-lookupd-http-address")->help =
      "a lookupd to ask besides the one in this process; may be given several times";
}

}  // namespace nsq::cli
