#include "admin/answer.h"

#include "base/json_writer.h"
#include "cluster/found.h"

namespace nsq::admin {

Answer error_answer(int status, std::string_view code) {
  JsonWriter json;
  json.begin_object().member("message", code).end_object();
  return {status, json.take_text()};
}

Answer upstream_error(const Error& error) {
  return error_answer(502, "UPSTREAM_ERROR: " + error.context());
}

void Warnings::add(const std::vector<std::string>& stage) {
  if (stage.empty()) return;
  if (!text_.empty()) text_ += "; ";
  text_ += cluster::joined(stage, "\n");
}

}  // namespace nsq::admin
