#include "cli/manual.h"

#include <fmt/format.h>

#include <cerrno>
#include <filesystem>
#include <fstream>
#include <system_error>

#include "cli/build_info.h"
#include "cli/help.h"

namespace nsq::cli {
namespace {

// Text as roff takes it: no escapes or requests in it, and '-' the character one can copy.
std::string escaped(std::string_view text) {
  std::string result;
  bool at_line_start = true;
  for (const char c : text) {
    if (at_line_start && (c == '.' || c == '\'')) result += "\\&";
    at_line_start = c == '\n';
    if (c == '\\') {
      result += "\\e";
    } else if (c == '-') {
      result += "\\-";
    } else {
      result += c;
    }
  }
  return result;
}

// Sentences, a line each, as roff likes them.
std::string paragraph(std::string_view text) {
  std::string lines;
  while (!text.empty()) {
    const std::size_t end = text.find(". ");
    const std::size_t size = end == std::string_view::npos ? text.size() : end + 1;
    lines += escaped(text.substr(0, size)) + "\n";
    text.remove_prefix(std::min(size + 1, text.size()));
  }
  return lines;
}

std::string bold(std::string_view text) {
  return fmt::format("\\fB{}\\fR", escaped(text));
}
std::string italic(std::string_view text) {
  return fmt::format("\\fI{}\\fR", escaped(text));
}

std::string page_name(const Command& command) {
  return fmt::format("nsq-{}", command.name);
}

std::string title(std::string_view name) {
  std::string upper(name);
  for (char& c : upper) c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  return fmt::format(".TH {} 1 \"{}\" \"nsq {}\" \"nsq manual\"\n", escaped(upper), source_date(),
                     version());
}

std::string option_rows(const FlagTable& flags) {
  std::string text;
  std::string group;
  for (const Flag& flag : flags.flags()) {
    if (flag.group != group) text += fmt::format(".SS {}\n", escaped(group = flag.group));
    text += ".TP\n" + bold("--" + flag.name);
    if (!flag.placeholder.empty()) text += "=" + italic(flag.placeholder);
    text += "\n" + paragraph(help_with_default(flag));
  }
  return text;
}

std::string example_rows(const FlagTable& flags, std::string_view shown_name) {
  std::string text;
  for (const UsageExample& example : flags.examples()) {
    text += fmt::format(".PP\n{}.PP\n.RS 4\n.EX\n{}.EE\n.RE\n", paragraph(example.says),
                        escaped(example_lines(example, shown_name, 0)));
  }
  // The first needs no room before it.
  return text.empty() ? "" : ".SH EXAMPLES\n" + text.substr(text.find('\n') + 1);
}

std::string see_also(const Command& command) {
  std::string text = ".SH SEE ALSO\n.BR nsq (1)";
  for (const Command& other : commands()) {
    if (other.group == command.group && other.name != command.name) {
      text += fmt::format(",\n.BR {} (1)", escaped(page_name(other)));
    }
  }
  return text + "\n";
}

Result<void> write_page(const std::filesystem::path& directory, const std::string& name,
                        const std::string& text) {
  const std::filesystem::path path = directory / (name + ".1");
  std::ofstream file(path, std::ios::binary);
  file << text;
  file.close();
  if (file) return {};
  return Error(std::error_code(errno, std::generic_category()),
               fmt::format("write {}", path.string()));
}

}  // namespace

std::string overview_page() {
  std::string text = title("nsq");
  text += ".SH NAME\nnsq \\- a message queue that speaks NSQ's protocols, in one program\n";
  text += ".SH SYNOPSIS\n.B nsq\n.I command\n[\\fB\\-\\-flag\\fR=\\fIvalue\\fR ...]\n";
  text += ".SH DESCRIPTION\n" +
          paragraph(
              "Each command has a manual page of its own. Called by the name of a program of "
              "the original NSQ, as through a link, it behaves as that program.");
  for (const CommandGroup group : kCommandGroups) {
    text += fmt::format(".SS {}\n", escaped(heading(group)));
    for (const Command& command : commands()) {
      if (command.group != group) continue;
      text += fmt::format(".TP\n.B {}\n{}\n", escaped(command.name), escaped(command.summary));
      if (!command.original.empty()) {
        text += fmt::format("(as {} does)\n", bold(command.original));
      }
    }
  }
  text += ".SH SEE ALSO\n";
  std::string pages;
  for (const Command& command : commands()) {
    if (!pages.empty()) pages += ",\n";
    pages += fmt::format(".BR {} (1)", escaped(page_name(command)));
  }
  return text + pages + "\n";
}

std::string manual_page(const Command& command, const FlagTable& flags) {
  const std::string shown_name = fmt::format("nsq {}", command.name);
  std::string text = title(page_name(command));
  text += fmt::format(".SH NAME\n{}{}{} \\- {}\n", escaped(page_name(command)),
                      command.original.empty() ? "" : ", ", escaped(command.original),
                      escaped(command.summary));
  text += fmt::format(".SH SYNOPSIS\n{}\n",
                      usage(flags, bold(shown_name), "[\\fB\\-\\-flag\\fR=\\fIvalue\\fR ...]"));
  text += ".SH DESCRIPTION\n" + paragraph(flags.summary());
  for (const std::string& note : flags.notes()) text += ".PP\n" + paragraph(note);
  text += ".SH OPTIONS\n" + paragraph(value_notes(flags)) + option_rows(flags);
  if (const std::string settings = setting_notes(flags); !settings.empty()) {
    text += ".SH ENVIRONMENT AND CONFIG FILE\n" + paragraph(settings);
  }
  return text + example_rows(flags, shown_name) + see_also(command);
}

Result<void> write_manual(const std::string& directory) {
  const std::filesystem::path path(directory);
  std::error_code error;
  std::filesystem::create_directories(path, error);
  if (error) return Error(error, fmt::format("make the directory {}", directory));
  Result<void> done = write_page(path, "nsq", overview_page());
  for (const Command& command : commands()) {
    inspect(command, [&](const FlagTable& flags) {
      if (done) done = write_page(path, page_name(command), manual_page(command, flags));
    });
    if (!done || command.original.empty()) continue;
    done = write_page(path, std::string(command.original),
                      fmt::format(".so man1/{}.1\n", page_name(command)));
  }
  return done;
}

}  // namespace nsq::cli
