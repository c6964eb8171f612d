#pragma once

#include <system_error>

namespace nsq::storage {

enum class StorageErrc {
  NewerFormat = 1,  // written by a newer version of this program; left untouched
  Damaged,          // not in any format this program knows
};

std::error_code make_error_code(StorageErrc code);

}  // namespace nsq::storage

template <>
struct std::is_error_code_enum<nsq::storage::StorageErrc> : std::true_type {};
