#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

// The real binary, run as a user runs it.
namespace nsq::test {

// The binary under test: NSQ_BINARY from the environment, or the one this build made.
std::string binary();

// A fresh directory, removed with its content at the end of the scope.
class TemporaryDirectory {
 public:
  TemporaryDirectory();
  ~TemporaryDirectory();
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;

  const std::filesystem::path& path() const { return path_; }
  std::string operator/(const std::string& name) const { return path_ / name; }

 private:
  std::filesystem::path path_;
};

// A child process with its output in files. Killed at the end of the scope if it still runs.
class Process {
 public:
  // Starts `arguments` with `input` on standard input. Throws std::runtime_error.
  Process(const std::vector<std::string>& arguments, const std::string& directory,
          const std::string& input = "");
  ~Process();
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  pid_t pid() const { return pid_; }
  void signal(int number) const;
  bool ended();
  // The exit status, or 128 and the signal that ended it. Kills what does not end in time, and
  // throws std::runtime_error.
  int wait(std::chrono::milliseconds limit = std::chrono::seconds(30));

  std::string output() const;  // so far
  std::string errors() const;

 private:
  pid_t pid_ = -1;
  bool running_ = false;
  int status_ = 0;
  std::string output_path_;
  std::string errors_path_;
};

// What a short run of the binary left behind.
struct Finished {
  int status = 0;
  std::string output;
  std::string errors;
};
Finished run_binary(std::vector<std::string> arguments, const std::string& input = "");

// The command line of `nsq daemon` on free ports of the loopback.
std::vector<std::string> daemon_arguments(const std::string& data_path,
                                          const std::vector<std::string>& flags);

// `nsq daemon` on free ports. Throws std::runtime_error when it does not come up.
class Daemon {
 public:
  Daemon(const std::string& data_path, std::vector<std::string> flags = {});

  std::uint16_t tcp_port() const { return tcp_port_; }
  std::uint16_t http_port() const { return http_port_; }
  std::string tcp_address() const { return "127.0.0.1:" + std::to_string(tcp_port_); }
  Process& process() { return process_; }

  // Ends it as a crash would.
  void kill();
  // Ends it as a service manager does; returns the exit status.
  int stop();

 private:
  TemporaryDirectory files_;
  Process process_;
  std::uint16_t tcp_port_ = 0;
  std::uint16_t http_port_ = 0;
};

// `nsq lookupd` on free ports. Throws std::runtime_error when it does not come up.
class Lookupd {
 public:
  explicit Lookupd(std::vector<std::string> flags = {});

  std::uint16_t tcp_port() const { return tcp_port_; }
  std::uint16_t http_port() const { return http_port_; }

  // Ends it as a crash would.
  void kill();
  // Ends it as a service manager does; returns the exit status.
  int stop();

 private:
  TemporaryDirectory files_;
  Process process_;
  std::uint16_t tcp_port_ = 0;
  std::uint16_t http_port_ = 0;
};

}  // namespace nsq::test
