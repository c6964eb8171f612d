#include <fmt/format.h>

#include <cstdio>

#include "cli/commands.h"
#include "cli/completion.h"

namespace nsq::cli {

int run_completion(const Invocation& invocation) {
  FlagTable flags("nsq completion", "Prints a completion for a shell, to be read by it.");
  std::vector<std::string> words;
  flags.positional("SHELL", words, {"bash", "zsh", "fish"})
      .example("bash > /etc/bash_completion.d/nsq", "For all users of bash.")
      .example("zsh > \"${fpath[1]}/_nsq\"", "For zsh.")
      .example("fish > ~/.config/fish/completions/nsq.fish", "For fish.");
  Remarks remarks;
  if (const auto status = read_command_line(flags, invocation, remarks)) return *status;

  const std::string shell = words.size() == 1 ? words.front() : "";
  if (shell == "bash") {
    std::fputs(bash_completion().c_str(), stdout);
  } else if (shell == "zsh") {
    std::fputs(zsh_completion().c_str(), stdout);
  } else if (shell == "fish") {
    std::fputs(fish_completion().c_str(), stdout);
  } else {
    fmt::print(stderr, "nsq completion: say which: bash, zsh or fish\n");
    return kExitUsage;
  }
  return kExitOk;
}

}  // namespace nsq::cli
