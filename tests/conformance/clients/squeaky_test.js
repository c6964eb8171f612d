// The squeaky client, unchanged, against the real binary. It declares the size of a batch as that of
// the bodies alone, and counts in whole milliseconds.
'use strict'

const assert = require('node:assert/strict')
const test = require('node:test')

const squeaky = require('squeaky')

const {Daemon} = require('./daemon')
const {eventually, sleep} = require('./clients')

// Runs `story` with a publisher and a way to subscribe, and cleans up whatever it opened.
function story(name, body) {
  test(`squeaky: ${name}`, {timeout: 30000}, async () => {
    const daemon = await Daemon.start()
    const place = {host: '127.0.0.1', port: daemon.tcpPort}
    const publisher = new squeaky.Publisher(place)
    const opened = [publisher]
    const subscribe = (topic, handle, options = {}) => {
      const subscriber = new squeaky.Subscriber({...place, topic, channel: 'c', ...options})
      opened.push(subscriber)
      subscriber.received = []
      subscriber.on('message', (message) => {
        subscriber.received.push(message)
        return handle(message)
      })
      return subscriber
    }
    try {
      await body({publisher, subscribe})
    } finally {
      await Promise.all(opened.map((client) => client.close()))
      await daemon.stop()
    }
  })
}

const finish = (message) => message.finish()

story('a published object is consumed once', async ({publisher, subscribe}) => {
  assert.equal(await publisher.publish('t', {some: 'object'}), 'OK')
  const {received} = subscribe('t', finish)
  await eventually(() => received.length === 1, 'the message')
  assert.deepEqual(received[0].body, {some: 'object'})
  await sleep(100)
  assert.equal(received.length, 1)
})

story('a batch whose declared size is too small is taken whole', async ({publisher, subscribe}) => {
  const bodies = Array.from({length: 300}, (_, i) => ({number: i}))
  assert.equal(await publisher.publish('t', bodies), 'OK')
  assert.equal(await publisher.publish('t', 'after'), 'OK')
  const {received} = subscribe('t', finish, {concurrency: 20})
  await eventually(() => received.length === bodies.length + 1, 'all messages')
  assert.deepEqual(received.map((message) => message.body.number).filter((n) => n !== undefined),
    bodies.map((body) => body.number))
})

story('a deferred message is never early by its own clock', async ({publisher, subscribe}) => {
  const {received} = subscribe('t', finish, {concurrency: 10})
  for (let i = 0; i < 20; i += 1) await publisher.publish('t', `body ${i}`, 50)
  await eventually(() => received.length === 20, 'the messages')
  for (const message of received) assert.ok(message.timestamp - message.published > 50)
})

story('what is requeued comes again', async ({publisher, subscribe}) => {
  await publisher.publish('t', 'again')
  const {received} = subscribe('t', (message) =>
    message.attempts < 3 ? message.requeue(10) : message.finish())
  await eventually(() => received.length === 3, 'the third attempt')
})

story('a message touched in time is not given to another', async ({publisher, subscribe}) => {
  await publisher.publish('t', 'slow')
  const {received} = subscribe('t', async (message) => {
    for (let i = 0; i < 4; i += 1) {
      await sleep(600)
      await message.touch()
    }
    await message.finish()
  }, {timeout: 1000})
  await eventually(() => received.length === 1, 'the message')
  await sleep(3000)
  assert.equal(received.length, 1)
})
