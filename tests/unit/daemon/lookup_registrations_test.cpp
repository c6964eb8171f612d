#include "daemon/lookup_registrations.h"

#include "support/catch.h"
#include "unit/daemon/lookup_fixture.h"

using nsq::daemon::LookupRegistrations;
using nsq::daemon::test::LookupFixture;

namespace {

std::string told(LookupRegistrations& registrations) {
  std::string commands;
  while (registrations.has_changes()) registrations.take_commands(commands, 1);
  return commands;
}

}  // namespace

TEST_CASE("a new connection is told everything there is", "[daemon]") {
  LookupFixture fixture;
  LookupRegistrations registrations(*fixture.broker);
  CHECK(told(registrations).empty());
  fixture.create_topic("bare");
  fixture.create_channel("t", "c");
  fixture.create_channel("t", "d#ephemeral");
  const std::string everything = "REGISTER bare\nREGISTER t c\nREGISTER t d#ephemeral\n";
  for (int connection = 0; connection < 2; ++connection) {
    registrations.start_over();
    CHECK(told(registrations) == everything);
  }
}

TEST_CASE("afterwards it is told what differs", "[daemon]") {
  LookupFixture fixture;
  LookupRegistrations registrations(*fixture.broker);
  const auto after_change = [&] {
    registrations.note_change("t");
    return told(registrations);
  };
  CHECK(after_change().empty());
  fixture.create_topic("t");
  CHECK(after_change() == "REGISTER t\n");
  fixture.create_channel("t", "c");
  CHECK(after_change() == "REGISTER t c\n");
  CHECK(after_change().empty());
  fixture.delete_channel("t", "c");
  CHECK(after_change() == "UNREGISTER t c\n");
  fixture.create_channel("t", "d");
  fixture.delete_channel("t", "d");
  CHECK(after_change().empty());
  fixture.delete_topic("t");
  CHECK(after_change() == "UNREGISTER t\n");
  CHECK(after_change().empty());
}

TEST_CASE("what was deleted and made again in between is registered anew", "[daemon]") {
  LookupFixture fixture;
  LookupRegistrations registrations(*fixture.broker);
  fixture.create_channel("t", "c");
  registrations.start_over();
  CHECK(told(registrations) == "REGISTER t c\n");
  fixture.delete_topic("t");
  fixture.create_topic("t");
  registrations.note_change("t");
  CHECK(told(registrations) == "UNREGISTER t\nREGISTER t\n");
  fixture.create_channel("t", "c");
  registrations.note_change("t");
  told(registrations);
  fixture.delete_channel("t", "c");
  fixture.create_channel("t", "c");
  registrations.note_change("t");
  CHECK(told(registrations) == "UNREGISTER t c\nREGISTER t c\n");
}

TEST_CASE("commands are taken some at a time", "[daemon]") {
  LookupFixture fixture;
  LookupRegistrations registrations(*fixture.broker);
  for (const char* topic : {"a", "b", "c"}) fixture.create_channel(topic, "x");
  registrations.start_over();
  std::string commands;
  CHECK(registrations.take_commands(commands, 2) == 2);
  CHECK(commands == "REGISTER a x\nREGISTER b x\n");
  CHECK(registrations.take_commands(commands, 2) == 1);
  CHECK_FALSE(registrations.has_changes());
}
