#include "cli/completion.h"

#include <fmt/format.h>

#include <functional>
#include <string_view>
#include <utility>
#include <vector>

#include "cli/commands.h"
#include "cli/help.h"

namespace nsq::cli {
namespace {

// What completes a flag's value.
enum class Value { None, Words, File, Directory, Other };

Value value_of(const Flag& flag) {
  if (flag.kind == Kind::Boolean) return Value::None;
  if (!flag.words.empty()) return Value::Words;
  if (flag.placeholder == "path") return Value::File;
  if (flag.placeholder == "directory") return Value::Directory;
  return Value::Other;
}

// What has no effect is not offered.
bool is_offered(const Flag& flag) {
  return flag.group != "Ineffective";
}

// Every command with its flags, in turn.
void for_each_command(const std::function<void(const Command&, const FlagTable&)>& visit) {
  for (const Command& command : commands()) {
    inspect(command, [&](const FlagTable& flags) { visit(command, flags); });
  }
}

// `text` in the single quotes of bash and zsh, or of fish.
std::string shell_quoted(std::string_view text) {
  std::string result = "'";
  for (const char c : text) result += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return result + "'";
}
std::string fish_quoted(std::string_view text) {
  std::string result = "'";
  for (const char c : text) {
    if (c == '\'' || c == '\\') result += '\\';
    result += c;
  }
  return result + "'";
}

// All names to complete: nsq, and the original programs.
std::string program_names() {
  std::string names = "nsq";
  for (const Command& command : commands()) {
    if (!command.original.empty()) names += fmt::format(" {}", command.original);
  }
  return names;
}

// A pattern of a shell's `case` for a command, by either name.
std::string case_pattern(const Command& command) {
  if (command.original.empty()) return std::string(command.name);
  return fmt::format("{} | {}", command.name, command.original);
}

// --- bash --------------------------------------------------------------------------------------

// The words before the cursor are bash's own, which takes "--flag=value" for three of them.
constexpr std::string_view kBashHead =
    R"sh(# Completion of nsq for bash; made by 'nsq completion bash'.
_nsq() {
  local current=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]}
  local program=${COMP_WORDS[0]##*/} at=1 prefix=''
  local command=$program flag='' flags='' operands='' kind='' words=''
  COMPREPLY=()
  if [[ $program == nsq ]]; then
    command=${COMP_WORDS[1]}
    at=2
    if ((COMP_CWORD == 1)); then
      mapfile -t COMPREPLY < <(compgen -W "$_nsq_commands" -- "$current")
      return
    fi
  fi
  if [[ $current == -*=* ]]; then # where '=' is no word of its own
    flag=${current%%=*} prefix=${current%%=*}= current=${current#*=}
  elif [[ $current == = ]]; then
    flag=$before current=''
  elif [[ $before == = ]] && ((COMP_CWORD > at + 1)); then
    flag=${COMP_WORDS[COMP_CWORD - 2]}
  elif [[ $before == -* && $current != -* ]] && ((COMP_CWORD > at)); then
    flag=$before
  fi
  [[ $flag == --* || -z $flag ]] || flag=-$flag
)sh";

constexpr std::string_view kBashTail = R"sh(
  case $kind in
    words) mapfile -t COMPREPLY < <(compgen -P "$prefix" -W "$words" -- "$current") ;;
    file)
      mapfile -t COMPREPLY < <(compgen -P "$prefix" -f -- "$current")
      compopt -o filenames 2> /dev/null
      ;;
    directory)
      mapfile -t COMPREPLY < <(compgen -P "$prefix" -d -- "$current")
      compopt -o filenames 2> /dev/null
      ;;
    other) ;;
    *)
      [[ $current != -[!-]* ]] || current=-$current
      if [[ $current == -* || -z $operands ]]; then
        mapfile -t COMPREPLY < <(compgen -W "$flags" -- "$current")
        [[ ${COMPREPLY[0]-} != *= ]] || compopt -o nospace 2> /dev/null
      else
        mapfile -t COMPREPLY < <(compgen -W "$operands" -- "$current")
      fi
      ;;
  esac
}
)sh";

std::string_view bash_kind(Value value) {
  switch (value) {
    case Value::Words:
      return "words";
    case Value::File:
      return "file";
    case Value::Directory:
      return "directory";
    case Value::None:
    case Value::Other:
      break;
  }
  return "other";
}

// One branch of the `case` over commands: its flags, and what follows each.
std::string bash_branch(const Command& command, const FlagTable& flags) {
  std::string names;
  std::string values;
  for (const Flag& flag : flags.flags()) {
    if (!is_offered(flag)) continue;
    const Value value = value_of(flag);
    names += fmt::format("{}--{}{}", names.empty() ? "" : " ", flag.name,
                         value == Value::None || flag.stands_alone ? "" : "=");
    if (value == Value::None) continue;
    values += fmt::format("        --{}) kind={}", flag.name, bash_kind(value));
    if (value == Value::Words) values += fmt::format(" words='{}'", fmt::join(flag.words, " "));
    values += " ;;\n";
  }
  std::string text = fmt::format("    {})\n      flags='{}'\n", case_pattern(command), names);
  if (!flags.positional().words.empty()) {
    text += fmt::format("      operands='{}'\n", fmt::join(flags.positional().words, " "));
  }
  if (!values.empty()) text += "      case $flag in\n" + values + "      esac\n";
  return text + "      ;;\n";
}

// --- zsh ---------------------------------------------------------------------------------------

// Part of a specification of _arguments, in which ':' and brackets mean something.
std::string zsh_escaped(std::string_view text) {
  std::string result;
  for (const char c : text) {
    if (c == ':' || c == '[' || c == ']' || c == '\\') result += '\\';
    result += c;
  }
  return result;
}

std::string zsh_specification(const Flag& flag) {
  const Value value = value_of(flag);
  std::string text = flag.clear ? "*" : "";
  text += "--" + flag.name;
  if (value != Value::None) text += flag.stands_alone ? "=-" : "=";
  text += fmt::format("[{}]", zsh_escaped(short_help(flag)));
  if (value == Value::None) return text;
  // Two colons: the value may be missing.
  text += fmt::format("{}{}:", flag.stands_alone ? "::" : ":", zsh_escaped(flag.placeholder));
  if (value == Value::Words) text += fmt::format("({})", fmt::join(flag.words, " "));
  if (value == Value::File) text += "_files";
  if (value == Value::Directory) text += "_files -/";
  return text;
}

std::string zsh_branch(const Command& command, const FlagTable& flags) {
  std::string text = fmt::format("    {})\n      _arguments", case_pattern(command));
  for (const Flag& flag : flags.flags()) {
    if (is_offered(flag)) text += " \\\n        " + shell_quoted(zsh_specification(flag));
  }
  if (!flags.positional().words.empty()) {
    text += " \\\n        " +
            shell_quoted(fmt::format("1:{}:({})", zsh_escaped(flags.positional().placeholder),
                                     fmt::join(flags.positional().words, " ")));
  }
  return text + "\n      ;;\n";
}

// --- fish --------------------------------------------------------------------------------------

// One flag of a program, or of a command of nsq: `where` is what comes before.
std::string fish_flag(const std::string& where, const Flag& flag) {
  std::string text = fmt::format("{} -l {}", where, flag.name);
  switch (value_of(flag)) {
    case Value::None:
      break;
    case Value::Words:
      text += fmt::format("{} -a '{}'", flag.stands_alone ? "" : " -x", fmt::join(flag.words, " "));
      break;
    case Value::File:
      text += " -r -F";
      break;
    case Value::Directory:
      text += " -x -a '(__fish_complete_directories)'";
      break;
    case Value::Other:
      text += " -x";
      break;
  }
  return fmt::format("{} -d {}\n", text, fish_quoted(short_help(flag)));
}

std::string fish_rows(const std::string& where, const FlagTable& flags) {
  std::string text;
  for (const Flag& flag : flags.flags()) {
    if (is_offered(flag)) text += fish_flag(where, flag);
  }
  return text;
}

}  // namespace

std::string bash_completion() {
  std::string names;
  std::string branches;
  for_each_command([&](const Command& command, const FlagTable& flags) {
    names += fmt::format("{}{}", names.empty() ? "" : " ", command.name);
    branches += bash_branch(command, flags);
  });
  return fmt::format("{}  case $command in\n{}  esac{}_nsq_commands='{}'\ncomplete -F _nsq {}\n",
                     kBashHead, branches, kBashTail, names, program_names());
}

std::string zsh_completion() {
  std::string names;
  std::string branches;
  for_each_command([&](const Command& command, const FlagTable& flags) {
    names += fmt::format("      {}\n",
                         shell_quoted(fmt::format("{}:{}", command.name, command.summary)));
    branches += zsh_branch(command, flags);
  });
  return fmt::format(R"sh(#compdef {0}
# Completion of nsq for zsh; made by 'nsq completion zsh'.
_nsq() {{
  local program=${{words[1]:t}}
  local command=$program
  if [[ $program == nsq ]]; then
    local -a commands=(
{1}    )
    if ((CURRENT == 2)); then
      _describe command commands
      return
    fi
    command=$words[2]
    shift words
    ((CURRENT--))
  fi
  case $command in
{2}  esac
}}
if [[ $zsh_eval_context[-1] == loadautofunc ]]; then
  _nsq "$@"
else
  compdef _nsq {0}
fi
)sh",
                     program_names(), names, branches);
}

std::string fish_completion() {
  std::string text = R"sh(# Completion of nsq for fish; made by 'nsq completion fish'.
function __nsq_command
    set -l words (commandline -opc)
    set -q words[2]; and test $words[2] = $argv[1]
end
function __nsq_no_command
    test (count (commandline -opc)) -eq 1
end
complete -c nsq -f
)sh";
  for_each_command([&text](const Command& command, const FlagTable& flags) {
    text += fmt::format("complete -c nsq -n __nsq_no_command -a {} -d {}\n", command.name,
                        fish_quoted(command.summary));
    const std::string here = fmt::format("complete -c nsq -n '__nsq_command {}'", command.name);
    text += fish_rows(here, flags);
    if (!flags.positional().words.empty()) {
      text += fmt::format("{} -a '{}'\n", here, fmt::join(flags.positional().words, " "));
    }
    if (command.original.empty()) return;
    text += fmt::format("complete -c {} -f\n", command.original);
    text += fish_rows(fmt::format("complete -c {}", command.original), flags);
  });
  return text;
}

}  // namespace nsq::cli
