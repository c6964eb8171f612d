#include "integration/process.h"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <thread>

namespace nsq::test {
namespace {

using Clock = std::chrono::steady_clock;
constexpr std::chrono::milliseconds kLook{5};

std::string read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

void write_file(const std::string& path, const std::string& text) {
  std::ofstream(path, std::ios::binary) << text;
}

// In the child, between fork and exec: only what is allowed there.
void redirect(const char* path, int flags, int descriptor) {
  const int file = ::open(path, flags, 0600);
  if (file < 0 || ::dup2(file, descriptor) < 0) ::_exit(126);
  ::close(file);
}

// The log line that says so comes once the port is bound.
std::uint16_t wait_for_port(Process& process, const std::string& listener) {
  const auto deadline = Clock::now() + std::chrono::seconds(20);
  while (true) {
    const std::string log = process.errors();
    const std::size_t line = log.find(" " + listener);
    const std::size_t end = line == std::string::npos ? line : log.find('\n', line);
    if (end != std::string::npos) {
      return static_cast<std::uint16_t>(std::atoi(log.c_str() + log.rfind(':', end) + 1));
    }
    if (process.ended() || Clock::now() > deadline) {
      throw std::runtime_error("the server does not listen; its log: " + log);
    }
    std::this_thread::sleep_for(kLook);
  }
}
}  // namespace

std::string binary() {
  const char* given = std::getenv("NSQ_BINARY");
  return given != nullptr ? given : NSQ_BUILT_BINARY;
}

TemporaryDirectory::TemporaryDirectory() {
  std::string pattern = std::filesystem::temp_directory_path() / "nsq-test-XXXXXX";
  if (::mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("mkdtemp " + pattern);
  path_ = pattern;
}

TemporaryDirectory::~TemporaryDirectory() {
  std::error_code ignored;  // what cannot be removed is left for the system's own cleaning
  std::filesystem::remove_all(path_, ignored);
}

Process::Process(const std::vector<std::string>& arguments, const std::string& directory,
                 const std::string& input) {
  static std::atomic<int> count = 0;
  const std::string name = directory + "/process" + std::to_string(++count);
  const std::string input_path = name + ".in";
  output_path_ = name + ".out";
  errors_path_ = name + ".err";
  write_file(input_path, input);
  std::vector<char*> argv;
  for (const std::string& argument : arguments) argv.push_back(const_cast<char*>(argument.c_str()));
  argv.push_back(nullptr);

  pid_ = ::fork();
  if (pid_ < 0) throw std::runtime_error("fork");
  if (pid_ == 0) {
    redirect(input_path.c_str(), O_RDONLY, STDIN_FILENO);
    redirect(output_path_.c_str(), O_WRONLY | O_CREAT | O_TRUNC, STDOUT_FILENO);
    redirect(errors_path_.c_str(), O_WRONLY | O_CREAT | O_TRUNC, STDERR_FILENO);
    ::execv(argv[0], argv.data());
    ::_exit(127);
  }
  running_ = true;
}

Process::~Process() {
  if (ended()) return;
  signal(SIGKILL);
  ::waitpid(pid_, nullptr, 0);
}

void Process::signal(int number) const {
  if (running_) ::kill(pid_, number);
}

bool Process::ended() {
  if (!running_) return true;
  int status = 0;
  if (::waitpid(pid_, &status, WNOHANG) != pid_) return false;
  running_ = false;
  status_ = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  return true;
}

int Process::wait(std::chrono::milliseconds limit) {
  const auto deadline = Clock::now() + limit;
  while (!ended()) {
    if (Clock::now() > deadline) {
      signal(SIGKILL);
      throw std::runtime_error("still running after its time; standard error: " + errors());
    }
    std::this_thread::sleep_for(kLook);
  }
  return status_;
}

std::string Process::output() const {
  return read_file(output_path_);
}
std::string Process::errors() const {
  return read_file(errors_path_);
}

Finished run_binary(std::vector<std::string> arguments, const std::string& input) {
  const TemporaryDirectory directory;
  arguments.insert(arguments.begin(), binary());
  Process process(arguments, directory.path(), input);
  const int status = process.wait();
  return {status, process.output(), process.errors()};
}

std::vector<std::string> daemon_arguments(const std::string& data_path,
                                          const std::vector<std::string>& flags) {
  std::vector<std::string> arguments{binary(),
                                     "daemon",
                                     "--tcp-address=127.0.0.1:0",
                                     "--http-address=127.0.0.1:0",
                                     "--data-path=" + data_path,
                                     "--broadcast-address=127.0.0.1"};
  arguments.insert(arguments.end(), flags.begin(), flags.end());
  return arguments;
}

Daemon::Daemon(const std::string& data_path, std::vector<std::string> flags)
    : process_(daemon_arguments(data_path, flags), files_.path()) {
  tcp_port_ = wait_for_port(process_, "TCP: listening on ");
  http_port_ = wait_for_port(process_, "HTTP: listening on ");
}

void Daemon::kill() {
  process_.signal(SIGKILL);
  process_.wait();
}

int Daemon::stop() {
  process_.signal(SIGTERM);
  return process_.wait();
}

namespace {
std::vector<std::string> lookupd_arguments(const std::vector<std::string>& flags) {
  std::vector<std::string> arguments{binary(), "lookupd", "--tcp-address=127.0.0.1:0",
                                     "--http-address=127.0.0.1:0", "--broadcast-address=127.0.0.1"};
  arguments.insert(arguments.end(), flags.begin(), flags.end());
  return arguments;
}
}  // namespace

Lookupd::Lookupd(std::vector<std::string> flags)
    : process_(lookupd_arguments(flags), files_.path()) {
  tcp_port_ = wait_for_port(process_, "TCP: listening on ");
  http_port_ = wait_for_port(process_, "HTTP: listening on ");
}

void Lookupd::kill() {
  process_.signal(SIGKILL);
  process_.wait();
}

int Lookupd::stop() {
  process_.signal(SIGTERM);
  return process_.wait();
}

}  // namespace nsq::test
