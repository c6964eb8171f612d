#pragma once

#include <string>

// `nsq check`: what a data directory holds, whether it is sound, and what can be saved of it.
namespace nsq::check {

inline constexpr int kExitSound = 0;       // nothing is wrong, or what was has been repaired
inline constexpr int kExitDamaged = 1;     // something is wrong; everything else was looked at
inline constexpr int kExitUnreadable = 3;  // no directory, in use, a newer format, an I/O error

struct Options {
  std::string data_path;  // empty: the working directory
  std::string topic;      // empty: all
  std::string channel;    // of a dump: only what it has not finished; empty: everything
  std::string format = "plain";
  bool json = false;
  bool dump = false;
  bool repair = false;
  std::string version;  // for an nsqd.dat that has to be written anew
};

// Prints to standard output, mistakes and progress to standard error; returns the exit status.
int check(const Options& options);

}  // namespace nsq::check
