#include "base/json_writer.h"

#include "support/catch.h"

using nsq::JsonWriter;

TEST_CASE("members and elements are separated by commas and nothing else", "[base]") {
  JsonWriter json;
  json.begin_object().member("a", 1).key("b").begin_array().value("x").value(true).end_array();
  json.key("c").begin_object().end_object().key("d").null().end_object();
  CHECK(json.text() == R"({"a":1,"b":["x",true],"c":{},"d":null})");
}

TEST_CASE("text that could end a script or a line is escaped", "[base]") {
  JsonWriter json;
  json.value("<a>&\"\\\n\x01\xe2\x80\xa8");
  CHECK(json.text() == R"("\u003ca\u003e\u0026\"\\\n\u0001\u2028")");
}

TEST_CASE("bytes that are no UTF-8 become the replacement character", "[base]") {
  JsonWriter json;
  json.value("a\xff\xc0\xaf\xed\xa0\x80z\xc3\xa9");
  CHECK(json.text() == "\"a\\ufffd\\ufffd\\ufffd\\ufffd\\ufffd\\ufffdz\xc3\xa9\"");
}

TEST_CASE("numbers are printed in their shortest form", "[base]") {
  JsonWriter json;
  json.begin_array().value(0.99).value(1.0).value(232616.0).value(-5).value(
      18446744073709551615ULL);
  CHECK(json.end_array().text() == "[0.99,1,232616,-5,18446744073709551615]");
}
