#include "cli/build_info.h"

#include <fmt/format.h>
#include <openssl/crypto.h>
#include <openssl/opensslv.h>
#include <simdjson.h>
#include <snappy-stubs-public.h>
#include <spdlog/version.h>
#include <toml++/impl/version.h>
#include <xxhash.h>
#include <zlib.h>

#include <asio/version.hpp>
#include <cxxopts.hpp>

#include "base/version.h"

namespace nsq::cli {
namespace {

std::string numbers(int major, int minor, int patch) {
  return fmt::format("{}.{}.{}", major, minor, patch);
}

// In the order of the alphabet. What is a header only, or linked statically, is that of the build;
// for the others it is asked of what is loaded.
std::string libraries() {
  const auto cxxopts = cxxopts::version;
  std::string text;
  const auto add = [&text](std::string_view name, std::string_view version) {
    text += fmt::format("{}{} {}", text.empty() ? "" : ", ", name, version);
  };
  add("asio", numbers(ASIO_VERSION / 100000, ASIO_VERSION / 100 % 1000, ASIO_VERSION % 100));
  add("cxxopts", numbers(cxxopts.major, cxxopts.minor, cxxopts.patch));
  add("fmt", numbers(FMT_VERSION / 10000, FMT_VERSION / 100 % 100, FMT_VERSION % 100));
  add("llhttp", NSQ_LLHTTP_VERSION);
  add("openssl", OpenSSL_version(OPENSSL_VERSION_STRING));
  add("simdjson", numbers(simdjson::SIMDJSON_VERSION_MAJOR, simdjson::SIMDJSON_VERSION_MINOR,
                          simdjson::SIMDJSON_VERSION_REVISION));
  add("snappy", numbers(SNAPPY_MAJOR, SNAPPY_MINOR, SNAPPY_PATCHLEVEL));
  add("spdlog", numbers(SPDLOG_VER_MAJOR, SPDLOG_VER_MINOR, SPDLOG_VER_PATCH));
  add("toml++", numbers(TOML_LIB_MAJOR, TOML_LIB_MINOR, TOML_LIB_PATCH));
  add("xxhash", numbers(XXH_VERSION_MAJOR, XXH_VERSION_MINOR, XXH_VERSION_RELEASE));
  add("zlib", zlibVersion());
  return text;
}

}  // namespace

std::string build_facts() {
  std::string text = fmt::format("compiler:  {}, for {}\n", toolchain(), NSQ_TARGET);
  text += fmt::format("build:     {}\n", NSQ_BUILD_TYPE);
  if (!commit().empty()) text += fmt::format("commit:    {} of {}\n", commit(), source_date());
  return text + fmt::format("libraries: {}\n", libraries());
}

}  // namespace nsq::cli
