#include <signal.h>
#include <unistd.h>

#include <cstdio>
#include <exception>

#include "cli/commands.h"

namespace {

// The first process of a container inherits those whose parents are gone, such as what a probe or
// `exec` left behind. Ignoring their end is enough to have the kernel bury them; nobody else here
// has children.
void be_first_process() {
  if (getpid() == 1) signal(SIGCHLD, SIG_IGN);
}

}  // namespace

// What starting up throws ends here: one line, status 1.
int main(int argc, char** argv) {
  be_first_process();
  try {
    return nsq::cli::dispatch(argc, argv);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "nsq: %s\n", error.what());
    return nsq::cli::kExitFailure;
  }
}
