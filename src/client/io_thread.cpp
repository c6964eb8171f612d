#include "client/io_thread.h"

#include "base/mutex.h"

namespace nsq::client {

std::shared_ptr<IoThread> IoThread::shared() {
  static Mutex mutex;
  static std::weak_ptr<IoThread> current;
  const Lock lock(mutex);
  if (auto running = current.lock()) return running;
  auto started = std::make_shared<IoThread>();
  current = started;
  return started;
}

}  // namespace nsq::client
