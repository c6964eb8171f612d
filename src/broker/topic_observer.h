#pragma once

#include <memory>
#include <string>

namespace nsq::broker {

class Topic;

// Told which topics and channels come and go, so that others can be told in turn. What there is at
// the start is not announced.
//
// Called on any thread, with no lock of the engine held. Must only take note and return.
class TopicObserver {
 public:
  virtual ~TopicObserver() = default;

  // Whether a topic that is about to be made is to keep its messages until `Topic::start`, because
  // it is still to be found out which channels it has. They are stored and acknowledged meanwhile.
  virtual bool holds_new_topics() const = 0;
  // A topic was made. Whoever said that it is to be held starts it now, some time later.
  virtual void on_topic_created(const std::shared_ptr<Topic>& topic) = 0;
  // The topic of this name, or one of its channels, came or went: what holds now can be asked for.
  virtual void on_topic_changed(const std::string& topic) = 0;
};

}  // namespace nsq::broker
