#include <cstdio>
#include <exception>

#include "cli/commands.h"

// What starting up throws ends here: one line, status 1.
int main(int argc, char** argv) {
  try {
    return nsq::cli::dispatch(argc, argv);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "nsq: %s\n", error.what());
    return nsq::cli::kExitFailure;
  }
}
