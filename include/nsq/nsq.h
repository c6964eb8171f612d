#pragma once

// The whole client library: consumers and producers of NSQ messages.
#include "nsq/client_error.h"
#include "nsq/config.h"
#include "nsq/consumer.h"
#include "nsq/logging.h"
#include "nsq/message.h"
#include "nsq/producer.h"
#include "nsq/result.h"
