#pragma once

#include <string>

struct ssl_st;

namespace nsq::net {

// The first of OpenSSL's complaints on this thread, in words, and forgets them all. For a failed
// verification it says what was wrong with the certificate.
std::string take_tls_reason(const ssl_st* native = nullptr);

}  // namespace nsq::net
