#pragma once

#include <span>
#include <string_view>

#include "cli/program.h"

namespace nsq::cli {

// A program within the binary.
struct Command {
  std::string_view name;      // `nsq NAME`
  std::string_view original;  // the program it replaces, under whose name it can also be called;
                              // empty: there was none
  std::string_view summary;
  int (*run)(const Invocation& invocation);  // returns the exit status
};

// All there are.
std::span<const Command> commands();

int run_daemon(const Invocation& invocation);
int run_lookupd(const Invocation& invocation);
int run_admin(const Invocation& invocation);
int run_tail(const Invocation& invocation);
int run_stat(const Invocation& invocation);
int run_health(const Invocation& invocation);
int run_to_nsq(const Invocation& invocation);
int run_check(const Invocation& invocation);
int run_pub(const Invocation& invocation);
int run_bench(const Invocation& invocation);

// Runs the command that argv asks for: by the name the binary was called under, if that is an
// original program's, or else by the first argument.
int dispatch(int argc, const char* const* argv);

}  // namespace nsq::cli
