#include "http/response_parser.h"

#include <llhttp.h>

#include "http/request.h"

namespace nsq::http {
namespace {

// What each header costs besides its bytes, so that very many empty ones reach the limit too.
constexpr std::size_t kHeaderOverhead = 32;

}  // namespace

std::optional<std::string_view> ClientResponse::header(std::string_view name) const {
  for (const auto& [key, value] : headers) {
    if (same_token(key, name)) return value;
  }
  return std::nullopt;
}

struct ResponseParser::Machine {
  explicit Machine(ResponseParser& owner) {
    static const llhttp_settings_t settings = make_settings();
    llhttp_init(&state, HTTP_RESPONSE, &settings);
    state.data = &owner;
  }

  static ResponseParser& of(llhttp_t* parser) {
    return *static_cast<ResponseParser*>(parser->data);
  }
  static llhttp_settings_t make_settings();

  // Counts the bytes of a head; HPE_USER ends the parsing.
  static int count_head(ResponseParser& parser, std::size_t bytes) {
    parser.head_bytes_ += bytes;
    parser.is_too_long_ = parser.head_bytes_ > parser.limit_bytes_;
    return parser.is_too_long_ ? HPE_USER : 0;
  }

  llhttp_t state;
};

llhttp_settings_t ResponseParser::Machine::make_settings() {
  llhttp_settings_t settings;
  llhttp_settings_init(&settings);
  settings.on_header_field = [](llhttp_t* parser, const char* at, std::size_t size) {
    ResponseParser& self = of(parser);
    const bool is_new = self.in_value_ || self.response_.headers.empty();
    if (is_new) self.response_.headers.emplace_back();
    self.in_value_ = false;
    self.response_.headers.back().first.append(at, size);
    return count_head(self, size + (is_new ? kHeaderOverhead : 0));
  };
  settings.on_header_value = [](llhttp_t* parser, const char* at, std::size_t size) {
    ResponseParser& self = of(parser);
    if (!self.response_.headers.empty()) self.response_.headers.back().second.append(at, size);
    return count_head(self, size);
  };
  settings.on_header_value_complete = [](llhttp_t* parser) {
    of(parser).in_value_ = true;
    return 0;
  };
  settings.on_headers_complete = [](llhttp_t* parser) {
    ResponseParser& self = of(parser);
    self.response_.status = parser->status_code;
    self.keep_alive_ = llhttp_should_keep_alive(parser) != 0;
    return 0;
  };
  settings.on_body = [](llhttp_t* parser, const char* at, std::size_t size) {
    ResponseParser& self = of(parser);
    if (!self.keeps_body_) return 0;
    self.is_too_long_ = size > self.limit_bytes_ - self.response_.body.size();
    if (self.is_too_long_) return static_cast<int>(HPE_USER);
    self.response_.body.append(at, size);
    return 0;
  };
  settings.on_message_complete = [](llhttp_t* parser) {
    ResponseParser& self = of(parser);
    if (self.response_.status / 100 == 1) {
      self.response_ = {};
      self.in_value_ = false;
      return 0;
    }
    self.is_complete_ = true;
    return static_cast<int>(HPE_PAUSED);
  };
  return settings;
}

ResponseParser::ResponseParser(std::size_t limit_bytes, bool keeps_body)
    : limit_bytes_(limit_bytes),
      keeps_body_(keeps_body),
      machine_(std::make_unique<Machine>(*this)) {}

ResponseParser::~ResponseParser() = default;

ResponseParser::Event ResponseParser::feed(std::string_view bytes) {
  if (is_complete_) return Event::Complete;
  const llhttp_errno_t result = llhttp_execute(&machine_->state, bytes.data(), bytes.size());
  if (is_complete_) {
    const char* stopped_at = llhttp_get_error_pos(&machine_->state);
    has_rest_ = stopped_at != nullptr && stopped_at < bytes.data() + bytes.size();
    return Event::Complete;
  }
  if (is_too_long_) return Event::TooLong;
  return result == HPE_OK ? Event::NeedInput : Event::Broken;
}

ResponseParser::Event ResponseParser::end() {
  if (!is_complete_ && response_.status != 0) llhttp_finish(&machine_->state);
  return is_complete_ ? Event::Complete : Event::Broken;
}

}  // namespace nsq::http
