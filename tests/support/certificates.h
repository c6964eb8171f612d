#pragma once

#include <string>

namespace nsq::test {

// Certificates with their keys, made on the spot in a directory of their own, which goes with them:
// two authorities, and whom they vouch for. Elliptic curves, so that they are made at once.
class Certificates {
 public:
  struct Pair {
    std::string cert;  // paths of PEM files
    std::string key;
  };

  Certificates();
  ~Certificates();
  Certificates(const Certificates&) = delete;
  Certificates& operator=(const Certificates&) = delete;

  const std::string& directory() const { return directory_; }
  std::string ca() const { return directory_ + "/ca.pem"; }
  std::string other_ca() const { return directory_ + "/other-ca.pem"; }
  Pair server() const { return pair("server"); }      // for localhost, 127.0.0.1 and ::1, of `ca`
  Pair client() const { return pair("client"); }      // named "client", of `ca`
  Pair stranger() const { return pair("stranger"); }  // as `server`, but of `other_ca`

 private:
  Pair pair(const std::string& name) const;

  const std::string directory_;
};

}  // namespace nsq::test
