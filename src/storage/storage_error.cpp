#include "storage/storage_error.h"

#include <string>

namespace nsq::storage {
namespace {

class Category final : public std::error_category {
 public:
  const char* name() const noexcept override { return "nsq storage"; }
  std::string message(int code) const override {
    switch (static_cast<StorageErrc>(code)) {
      case StorageErrc::NewerFormat:
        return "written by a newer version of nsq; upgrade, or move the file away";
      case StorageErrc::Damaged:
        return "damaged";
    }
    return "unknown storage error";
  }
};

}  // namespace

std::error_code make_error_code(StorageErrc code) {
  static const Category category;
  return {static_cast<int>(code), category};
}

}  // namespace nsq::storage
