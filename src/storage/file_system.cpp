#include "storage/file_system.h"

namespace nsq::storage {

Result<std::string> read_file(FileSystem& files, const std::string& path) {
  auto file = files.open(path, FileSystem::Mode::Read);
  if (!file) return file.error();
  auto size = (*file)->size();
  if (!size) return size.error();
  std::string content(*size, '\0');
  auto got = (*file)->read_at(content, 0);
  if (!got) return got.error();
  content.resize(*got);
  return content;
}

Result<void> replace_file(FileSystem& files, const std::string& path, std::string_view content) {
  const std::string temporary = path + ".tmp";
  Result<void> done;
  {
    auto file = files.open(temporary, FileSystem::Mode::Create);
    if (!file) return file.error();
    done = (*file)->truncate(0);
    if (done) done = (*file)->write_at(std::span(&content, 1), 0);
    if (done) done = (*file)->sync();
  }
  if (done) done = files.rename(temporary, path);
  if (done) return files.sync_directory(parent_directory(path));
  [[maybe_unused]] const auto removed = files.remove(temporary);
  return done;
}

std::string parent_directory(const std::string& path) {
  const auto slash = path.find_last_of('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

}  // namespace nsq::storage
