#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "base/instant.h"
#include "nsq/result.h"

// Flag values in the original's notation, which is Go's: existing command lines use all of it.
//
// Errors of every parser: CliErrc::ParseError and CliErrc::OutOfRange, without context. Nothing
// else is accepted: no surrounding space, no trailing text.
namespace nsq::cli {

// Decimal, 0x, 0b, 0o, or a leading 0 for octal ("010" is 8); an optional sign; '_' between digits.
Result<std::int64_t> parse_integer(std::string_view text);

// 1 t T true TRUE True, 0 f F false FALSE False.
Result<bool> parse_boolean(std::string_view text);

// An optional sign and pairs of number and unit, ns us ms s m h: "1m30s", ".5s". Only "0" may lack
// a unit.
Result<Duration> parse_duration(std::string_view text);

// Decimal or exponent notation.
Result<double> parse_float(std::string_view text);

}  // namespace nsq::cli
