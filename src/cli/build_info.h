#pragma once

#include <string>
#include <string_view>

// What the binary was built from, and with.
namespace nsq::cli {

// A line for each fact: compiler, kind of build, commit where it is known, libraries.
std::string build_facts();

// "1a2b3c4d5e6f", with "-modified" where files were changed since; empty where nobody knows.
std::string_view commit();

// The day of the commit, or of the build where there is none: "2026-11-21".
std::string_view source_date();

}  // namespace nsq::cli
