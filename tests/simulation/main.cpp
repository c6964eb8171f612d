#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <random>
#include <string_view>

#include "base/log.h"
#include "simulation/world.h"

namespace {

struct Arguments {
  std::uint64_t seed = 1;
  std::uint64_t runs = 100;
  std::uint64_t steps = 500;
  double minutes = 0;  // instead of runs
  bool verbose = false;
};

int usage() {
  std::fprintf(
      stderr,
      "simulation: the broker engine against a model, at random\n"
      "  --seed N     the first run's seed (1); run i has seed N + i\n"
      "  --runs N     how many runs (100)\n"
      "  --steps N    how many steps each (500)\n"
      "  --minutes M  run for so long instead\n"
      "  --verbose    print every step\n"
      "A failure prints its seed; --seed THAT --runs 1 --verbose shows how it came about.\n");
  return 2;
}

bool run(std::uint64_t seed, const Arguments& arguments) {
  std::uint64_t step = 0;
  try {
    nsq::simulation::World world(seed, arguments.verbose);
    for (; step < arguments.steps; ++step) world.step();
    world.drain();
    return true;
  } catch (const nsq::simulation::Failure& failure) {
    std::printf("FAILED with --seed %llu --steps %llu at step %llu: %s\n",
                static_cast<unsigned long long>(seed),
                static_cast<unsigned long long>(arguments.steps),
                static_cast<unsigned long long>(step), failure.what.c_str());
    return false;
  }
}

}  // namespace

int main(int argc, char** argv) {
  Arguments arguments;
  for (int i = 1; i < argc; ++i) {
    const std::string_view flag = argv[i];
    if (flag == "--verbose") {
      arguments.verbose = true;
      continue;
    }
    if (i + 1 == argc) return usage();
    const char* const value = argv[++i];
    if (flag == "--seed") {
      arguments.seed = std::strtoull(value, nullptr, 10);
    } else if (flag == "--runs") {
      arguments.runs = std::strtoull(value, nullptr, 10);
    } else if (flag == "--steps") {
      arguments.steps = std::strtoull(value, nullptr, 10);
    } else if (flag == "--minutes") {
      arguments.minutes = std::strtod(value, nullptr);
    } else {
      return usage();
    }
  }
  std::setvbuf(stdout, nullptr, _IOLBF, 0);  // failures are seen as they come
  if (!arguments.verbose) nsq::log::set_level(nsq::log::Level::Fatal);
  const auto end = std::chrono::steady_clock::now() +
                   std::chrono::duration_cast<std::chrono::steady_clock::duration>(
                       std::chrono::duration<double, std::ratio<60>>(arguments.minutes));
  std::uint64_t done = 0;
  std::uint64_t failed = 0;
  for (std::uint64_t seed = arguments.seed;; ++seed) {
    const bool more =
        arguments.minutes > 0 ? std::chrono::steady_clock::now() < end : done < arguments.runs;
    if (!more || failed >= 5) break;
    ++done;
    if (!run(seed, arguments)) ++failed;
  }
  std::printf(
      "%llu runs of %llu steps from seed %llu, %llu failed\n",
      static_cast<unsigned long long>(done), static_cast<unsigned long long>(arguments.steps),
      static_cast<unsigned long long>(arguments.seed), static_cast<unsigned long long>(failed));
  return failed == 0 ? 0 : 1;
}
