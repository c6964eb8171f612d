#include "http/request_parser.h"

#include <llhttp.h>

#include <algorithm>
#include <cstring>
#include <vector>

#include "base/assert.h"
#include "http/input_buffer.h"
#include "http/percent.h"

// llhttp finds where things begin and end; this file keeps those places as offsets from the start
// of the message, because the buffer moves when it grows, and turns them into views once the
// message is there. llhttp is made to pause after each head, for the caller to say how much body it
// wants, and after each message.
//
// llhttp knows a fixed list of methods, treats some of them specially (CONNECT, PRI) and takes any
// other for an error, while NSQ answers 405 to them. So the method is read here; in place of one
// that no route can have, llhttp is given "POST".

namespace nsq::http {
namespace {

constexpr std::size_t kFirstRead = 4 << 10;
constexpr std::size_t kLargestRead = 64 << 10;
constexpr std::size_t kMethodBytes = 32;

constexpr std::string_view kBadRequest = "400 Bad Request";

struct Range {
  std::size_t begin = 0, end = 0;
  std::string_view of(const char* base) const { return {base + begin, end - begin}; }
};

bool is_token_char(char c) {
  if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9')) return true;
  return c != '\0' && std::strchr("!#$%&'*+-.^_`|~", c) != nullptr;
}

}  // namespace

struct RequestParser::Machine {
  struct HeaderRange {
    Range name, value;
  };

  explicit Machine(const ParserLimits& parser_limits) : limits(parser_limits) {
    static const llhttp_settings_t settings = make_settings();
    llhttp_init(&state, HTTP_REQUEST, &settings);
    state.data = this;
    // Versions are judged here, to give the right answer to each.
    state.lenient_flags |= LENIENT_VERSION;
  }

  void begin_message() {
    llhttp_reset(&state);
    parsed = 0;
    target = body = {};
    headers.clear();
    in_value = false;
    in_body = discarding = too_long = false;
    discarded = 0;
  }

  std::size_t offset(const char* at) const { return static_cast<std::size_t>(at - buffer.data()); }

  // Bytes between [parsed, size) of the buffer through llhttp.
  llhttp_errno_t execute() {
    const char* from = buffer.data() + parsed;
    const llhttp_errno_t result = llhttp_execute(&state, from, buffer.size() - parsed);
    const char* stopped_at = llhttp_get_error_pos(&state);
    parsed = result == HPE_OK || !stopped_at ? buffer.size() : offset(stopped_at);
    if (result == HPE_PAUSED) llhttp_resume(&state);
    return result;
  }

  int on_header_name(const char* at, std::size_t length) {
    if (in_body) return 0;  // trailers are of no interest
    if (in_value || headers.empty()) {
      if (headers.size() == limits.header_count) {
        too_many_headers = true;
        return HPE_USER;
      }
      headers.push_back({{offset(at), offset(at)}, {}});
      in_value = false;
    }
    headers.back().name.end = offset(at) + length;
    return 0;
  }

  int on_header_value(const char* at, std::size_t length) {
    if (in_body || headers.empty()) return 0;
    Range& value = headers.back().value;
    const std::size_t begin = offset(at);
    if (!in_value) value = {begin, begin};
    in_value = true;
    // A value folded over several lines: the line breaks between its parts become spaces.
    std::fill(buffer.data() + value.end, buffer.data() + begin, ' ');
    value.end = begin + length;
    return 0;
  }

  int on_body(const char* at, std::size_t length) {
    const std::size_t begin = offset(at);
    if (body.end == body.begin) body = {begin, begin};
    const std::size_t kept = body.end - body.begin;
    if (discarding || length > body_limit - kept) {
      discarding = true;
      discarded += kept + length;
      body.end = body.begin;
      too_long = discarded > body_limit && discarded - body_limit > limits.drained_bytes;
      return too_long ? HPE_USER : 0;
    }
    if (begin != body.end) std::memmove(buffer.data() + body.end, at, length);
    body.end += length;
    return 0;
  }

  static Machine& of(llhttp_t* state) { return *static_cast<Machine*>(state->data); }
  static llhttp_settings_t make_settings();

  const ParserLimits limits;
  llhttp_t state;
  InputBuffer buffer;                   // starts with the current message
  std::size_t read_bytes = kFirstRead;  // how much room the next read gets
  std::size_t parsed = 0;               // how much of the buffer llhttp has seen
  std::size_t method_bytes = 0;
  Range target;
  std::vector<HeaderRange> headers;
  bool in_value = false;  // the latest header's value has begun
  bool too_many_headers = false;
  bool in_body = false;
  Range body;  // as far as it is kept
  std::size_t body_limit = 0;
  bool discarding = false;  // the body is over the limit
  bool too_long = false;    // by so much that reading on is not worth it
  std::size_t discarded = 0;
  const char* views_base = nullptr;  // where the request's views point into
};

llhttp_settings_t RequestParser::Machine::make_settings() {
  llhttp_settings_t settings;
  llhttp_settings_init(&settings);
  settings.on_url = [](llhttp_t* parser, const char* at, std::size_t length) {
    Machine& machine = of(parser);
    const std::size_t begin = machine.offset(at);
    if (machine.target.end == 0) machine.target.begin = begin;
    machine.target.end = begin + length;
    return 0;
  };
  settings.on_header_field = [](llhttp_t* parser, const char* at, std::size_t length) {
    return of(parser).on_header_name(at, length);
  };
  settings.on_header_value = [](llhttp_t* parser, const char* at, std::size_t length) {
    return of(parser).on_header_value(at, length);
  };
  settings.on_header_value_complete = [](llhttp_t* parser) {
    of(parser).in_value = true;  // also where the value is empty
    return 0;
  };
  settings.on_headers_complete = [](llhttp_t* parser) {
    parser->upgrade = 0;  // asking for another protocol is allowed, and ignored
    return static_cast<int>(HPE_PAUSED);
  };
  settings.on_body = [](llhttp_t* parser, const char* at, std::size_t length) {
    return of(parser).on_body(at, length);
  };
  settings.on_message_complete = [](llhttp_t*) { return static_cast<int>(HPE_PAUSED); };
  return settings;
}

RequestParser::RequestParser(ParserLimits limits)
    : limits_(limits), machine_(std::make_unique<Machine>(limits)) {}

RequestParser::~RequestParser() = default;

std::span<char> RequestParser::room() {
  return machine_->buffer.make_room(machine_->read_bytes);
}

void RequestParser::received(std::size_t bytes) {
  machine_->buffer.append_made(bytes);
  // A sender that fills its room is given more.
  if (bytes >= machine_->read_bytes && machine_->read_bytes < kLargestRead) {
    machine_->read_bytes *= 2;
  }
}

bool RequestParser::is_between_requests() const {
  return phase_ == Phase::Start && machine_->buffer.size() == 0;
}

RequestParser::Event RequestParser::advance() {
  switch (phase_) {
    case Phase::Complete:
      return begin_message();
    case Phase::Start:
      return read_method();
    case Phase::Head:
    case Phase::Body:
      return run_machine();
    case Phase::Broken:
      break;
  }
  NSQ_ASSERT(false);
  return Event::BadHead;
}

RequestParser::Event RequestParser::begin_message() {
  InputBuffer& buffer = machine_->buffer;
  buffer.consume(machine_->parsed);
  if (buffer.capacity() > kLargestRead) buffer.release_if_empty();
  request_.clear();
  phase_ = Phase::Start;
  return read_method();
}

RequestParser::Event RequestParser::read_method() {
  InputBuffer& buffer = machine_->buffer;
  // Some clients end a body with a line break that belongs to nothing.
  std::size_t blank = 0;
  while (blank < buffer.size() && (buffer.data()[blank] == '\r' || buffer.data()[blank] == '\n')) {
    ++blank;
  }
  buffer.consume(blank);

  const std::string_view bytes(buffer.data(), buffer.size());
  std::size_t length = 0;
  while (length < bytes.size() && is_token_char(bytes[length])) ++length;
  if (length > kMethodBytes) return refuse(400, kBadRequest);
  if (length == bytes.size()) return Event::NeedInput;
  if (length == 0 || bytes[length] != ' ') return refuse(400, kBadRequest);

  machine_->begin_message();
  machine_->method_bytes = length;
  request_.method = parse_method(bytes.substr(0, length));
  if (request_.method == Method::Other) {
    llhttp_execute(&machine_->state, "POST", 4);
    machine_->parsed = length;
  }
  body_limit_ = 0;
  phase_ = Phase::Head;
  return run_machine();
}

RequestParser::Event RequestParser::run_machine() {
  Machine& machine = *machine_;
  machine.body_limit = body_limit_;
  const llhttp_errno_t result = machine.execute();
  if (phase_ == Phase::Head) {
    if (result == HPE_PAUSED) return finish_head();
    if (machine.too_many_headers || machine.parsed > limits_.head_bytes) {
      return refuse(431, "431 Request Header Fields Too Large");
    }
    return result == HPE_OK ? Event::NeedInput : refuse(400, kBadRequest);
  }
  if (result == HPE_PAUSED) return finish_message(Event::Complete);
  if (machine.too_long) return finish_message(Event::BodyTooLong);
  if (result != HPE_OK) {
    phase_ = Phase::Broken;
    return Event::BadBody;
  }
  drop_used_body_bytes();
  return Event::NeedInput;
}

RequestParser::Event RequestParser::finish_head() {
  Machine& machine = *machine_;
  const llhttp_t& state = machine.state;
  if (machine.parsed > limits_.head_bytes) {
    return refuse(431, "431 Request Header Fields Too Large");
  }
  minor_version_ = state.http_minor > 0 ? 1 : 0;
  if (state.http_major != 1) {
    return refuse(505, "505 HTTP Version Not Supported: unsupported protocol version");
  }
  is_chunked_ = (state.flags & F_CHUNKED) != 0;
  if (!is_chunked_ && (state.flags & F_TRANSFER_ENCODING)) {
    return refuse(501, "501 Not Implemented: unsupported transfer encoding");
  }
  declared_length_.reset();
  if (!is_chunked_ && (state.flags & F_CONTENT_LENGTH)) declared_length_ = state.content_length;
  keep_alive_ = llhttp_should_keep_alive(&state) != 0;

  machine.views_base = nullptr;
  point_into_buffer();
  if (!set_target(machine.target.of(machine.buffer.data()))) return refuse(400, kBadRequest);
  // llhttp lets a space before the colon pass, with which proxies and servers can be made to
  // disagree about what a header is.
  for (const Header& header : request_.headers) {
    if (header.name.ends_with(' ')) return refuse(400, kBadRequest);
  }
  if (minor_version_ == 1 && !request_.header("Host")) {
    return refuse(400, "400 Bad Request: missing required Host header");
  }
  if (!check_expectation()) return refuse(417, "417 Expectation Failed");
  machine.in_body = true;
  phase_ = Phase::Body;
  return Event::Head;
}

bool RequestParser::check_expectation() {
  const auto expectation = request_.header("Expect");
  expects_continue_ =
      minor_version_ == 1 && expectation && same_token(*expectation, "100-continue");
  return minor_version_ == 0 || !expectation || expectation->empty() || expects_continue_;
}

RequestParser::Event RequestParser::finish_message(Event event) {
  phase_ = event == Event::Complete ? Phase::Complete : Phase::Broken;
  point_into_buffer();
  request_.body_over_limit = machine_->discarding;
  request_.body = machine_->body.of(machine_->buffer.data());
  return event;
}

// Fills the request's views, or moves them to where the buffer is now.
void RequestParser::point_into_buffer() {
  Machine& machine = *machine_;
  const char* base = machine.buffer.data();
  if (machine.views_base == base) return;
  const bool is_first = machine.views_base == nullptr;
  machine.views_base = base;
  request_.method_text = {base, machine.method_bytes};
  request_.headers.clear();
  for (const auto& header : machine.headers) {
    std::string_view value = header.value.of(base);
    while (value.ends_with(' ') || value.ends_with('\t')) value.remove_suffix(1);
    request_.headers.push_back({header.name.of(base), value});
  }
  if (!is_first) set_target(machine.target.of(base));
}

// Takes a request target apart: "/path?query", the same after "http://host", or "*".
bool RequestParser::set_target(std::string_view target) {
  request_.target = target;
  const auto is_forbidden = [](char c) {
    return static_cast<unsigned char>(c) <= ' ' || c == 0x7f;
  };
  if (std::any_of(target.begin(), target.end(), is_forbidden)) return false;
  if (!target.starts_with('/') && target != "*") {
    const std::size_t authority = target.find("://");
    if (authority == std::string_view::npos) return false;
    target.remove_prefix(authority + 3);
    target.remove_prefix(std::min(target.find_first_of("/?"), target.size()));
  }
  const std::size_t question = target.find('?');
  request_.raw_query = {};
  if (question != std::string_view::npos) request_.raw_query = target.substr(question + 1);
  request_.path = target.substr(0, question);
  if (request_.path.empty()) request_.path = "/";
  if (request_.path.find('%') == std::string_view::npos) return true;
  decoded_path_.clear();
  if (!percent_decode(request_.path, Plus::Literal, decoded_path_)) return false;
  request_.path = decoded_path_;
  return true;
}

// What lies between the body as far as it is put together and the end of the buffer has been used:
// chunk headers, and bodies that nobody wants.
void RequestParser::drop_used_body_bytes() {
  Machine& machine = *machine_;
  if (machine.body.begin == 0) return;
  machine.buffer.drop_last(machine.buffer.size() - machine.body.end);
  machine.parsed = machine.body.end;
}

RequestParser::Event RequestParser::refuse(int status, std::string_view text) {
  phase_ = Phase::Broken;
  refusal_ = {status, text};
  return Event::BadHead;
}

}  // namespace nsq::http
