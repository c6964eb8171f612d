#pragma once

#include <system_error>

namespace nsq {

// What went wrong with a client's call. For a publish the code says what became of the message:
//
//   certainly not stored   InvalidArgument, Refused, Unavailable, NotSent, TooManyPending, Stopped
//   nobody can know        OutcomeUnknown: publishing again may store it twice, not doing so may
//                          lose it
enum class ClientErrc {
  InvalidOption = 1,  // a configuration value; the context names it
  InvalidArgument,    // a topic or channel name, an empty body, an unknown address
  Refused,            // the daemon answered with an error that any other would give as well
  Unavailable,        // the daemon answered that it cannot now; another one may
  NotSent,            // no connection to a daemon; the context says why
  OutcomeUnknown,     // the connection ended, or nothing came, while the answer was outstanding
  TooManyPending,     // more unanswered publishes than the configuration allows
  Stopped,            // the object has been stopped
  AlreadyConnected,   // to this address
  NotNsq,             // what came from the far end is not NSQ
  HttpPort,           // the far end answered in HTTP: the address is that of the HTTP port
  Silent,             // the daemon has said nothing for the read timeout
  Stalled,            // the daemon has taken nothing for the write timeout
  Disconnected,       // the daemon closed the connection
  TlsRefused,         // TLS was asked for and not granted
  AuthRequired,       // the daemon asks for a secret and none is configured
  AuthFailed,         // the daemon does not accept the secret
  LookupFailed,       // a lookupd did not answer, or not as a lookupd does
  HandlerFailed,      // a handler could not deal with a message; see `failure`
};
std::error_code make_error_code(ClientErrc code);

}  // namespace nsq

template <>
struct std::is_error_code_enum<nsq::ClientErrc> : std::true_type {};
