#include "utilities/file_names.h"

#include <fmt/format.h>

#include <array>
#include <ctime>
#include <utility>

namespace nsq::utilities {
namespace {

constexpr std::string_view kRevision = "<REV>";

void replace_all(std::string& text, std::string_view what, std::string_view with) {
  for (std::size_t at = text.find(what); at != std::string::npos;
       at = text.find(what, at + with.size())) {
    text.replace(at, what.size(), with);
  }
}

// Letters nobody knows stay as they are, and so does all other text.
std::string format_time(std::string_view format, const std::tm& time) {
  constexpr std::string_view kLetters = "YymdHIMSBbAapZz%";
  std::string text;
  for (std::size_t i = 0; i < format.size(); ++i) {
    const bool is_letter = format[i] == '%' && i + 1 < format.size() &&
                           kLetters.find(format[i + 1]) != std::string_view::npos;
    if (!is_letter) {
      text += format[i];
      continue;
    }
    const std::array<char, 3> one{'%', format[++i], '\0'};
    std::array<char, 64> expanded{};
    text.append(expanded.data(),
                std::strftime(expanded.data(), expanded.size(), one.data(), &time));
  }
  return text;
}

Error bad_format(std::string reason) {
  return Error(make_error_code(std::errc::invalid_argument), std::move(reason));
}

}  // namespace

Result<FileNames> FileNames::make(const FileNameOptions& options, std::string_view topic,
                                  std::string_view host, std::int64_t process_id) {
  std::string format = options.filename_format;
  if (!options.has_revisions) {
    replace_all(format, kRevision, "");
  } else if (format.find(kRevision) == std::string::npos) {
    return bad_format(
        "missing <REV> in --filename-format when gzip, rotation, or work dir enabled");
  }
  if (topic == "." || topic == "..") return bad_format("a topic that is no file name");
  const std::string_view short_host = host.substr(0, host.find('.'));
  std::string identifier = options.host_identifier;
  if (identifier.empty()) identifier = short_host;
  replace_all(identifier, "<SHORT_HOST>", short_host);
  replace_all(identifier, "<HOSTNAME>", host);
  replace_all(format, "<TOPIC>", topic);
  replace_all(format, "<HOST>", identifier);
  replace_all(format, "<PID>", std::to_string(process_id));
  if (options.gzip && !format.ends_with(".gz")) format += ".gz";
  return FileNames(std::move(format), options.datetime_format);
}

std::string FileNames::at(Timestamp now) const {
  const auto seconds = static_cast<std::time_t>(now.seconds());
  std::tm local{};
  ::localtime_r(&seconds, &local);
  std::string name = format_;
  replace_all(name, "<DATETIME>", format_time(datetime_format_, local));
  return name;
}

std::string FileNames::with_revision(std::string_view name, std::uint64_t revision) {
  std::string text(name);
  replace_all(text, kRevision, fmt::format("-{:06}", revision));
  return text;
}

}  // namespace nsq::utilities
