// The nsqjs client, unchanged, against the real binary.
'use strict'

const assert = require('node:assert/strict')
const test = require('node:test')

const {Daemon, Lookupd, tlsFlags} = require('./daemon')
const {
  bodies, connectReader, connectWriter, eventually, finish, publish, publishDeferred, sleep,
} = require('./clients')

let topics = 0
const freshTopic = () => `topic_${++topics}`

// Runs `story` with a daemon and a connected writer, and cleans up whatever it opened.
function story(name, flags, body) {
  test(name, {timeout: 30000}, async () => {
    const daemon = await Daemon.start(...flags)
    const opened = []
    const open = async (client) => {
      const made = await client
      opened.push(made)
      return made
    }
    try {
      const writer = await open(connectWriter(daemon))
      await body({daemon, writer, topic: freshTopic(), open})
    } finally {
      for (const client of opened) client.close()
      await daemon.stop()
    }
  })
}

story('a published message is consumed once', [], async ({daemon, writer, topic, open}) => {
  await publish(writer, topic, 'hello')
  const reader = await open(connectReader(daemon, topic, 'c', finish))
  await eventually(() => reader.received.length === 1, 'the message')
  assert.equal(reader.received[0].body, 'hello')
  assert.equal(reader.received[0].attempts, 1)
  await sleep(200)
  assert.equal(reader.received.length, 1)
})

story('an array is published whole and in order', [], async ({daemon, writer, topic, open}) => {
  const lines = Array.from({length: 500}, (_, i) => `line ${i}`)
  await publish(writer, topic, lines)
  const reader = await open(connectReader(daemon, topic, 'c', finish, {maxInFlight: 50}))
  await eventually(() => reader.received.length === lines.length, 'all messages')
  assert.deepEqual(bodies(reader).sort(), lines.sort())
})

story('bytes of any kind and size arrive unchanged', [], async ({daemon, writer, topic, open}) => {
  const large = Buffer.alloc(1024 * 1024, 0)
  for (let i = 0; i < large.length; i += 1) large[i] = (i * 31) % 256
  const got = []
  await open(connectReader(daemon, topic, 'c', (message) => {
    got.push(Buffer.from(message.body))
    message.finish()
  }))
  await publish(writer, topic, large)
  await publish(writer, topic, Buffer.from([0, 10, 13, 255]))
  await publish(writer, topic, {json: ['\u00fc', 1]})
  await eventually(() => got.length === 3, 'all messages')
  got.sort((a, b) => b.length - a.length)
  assert.ok(got[0].equals(large))
  assert.deepEqual(JSON.parse(got[1]), {json: ['\u00fc', 1]})
  assert.deepEqual([...got[2]], [0, 10, 13, 255])
})

const withTls = {tls: true, tlsVerification: false}
for (const [name, options] of Object.entries({
  'TLS': withTls,
  'deflate': {deflate: true},
  'snappy': {snappy: true},
  'TLS and deflate': {...withTls, deflate: true},
  'TLS and snappy': {...withTls, snappy: true},
})) {
  story(`messages go both ways over ${name}`, tlsFlags(), async ({daemon, topic, open}) => {
    const writer = await open(connectWriter(daemon, options))
    const reader = await open(connectReader(daemon, topic, 'c', finish, options))
    const lines = Array.from({length: 100}, (_, i) => `line ${i} ${'x'.repeat(i * 10)}`)
    for (const line of lines) await publish(writer, topic, line)
    await eventually(() => reader.received.length === lines.length, 'all messages')
    assert.deepEqual(bodies(reader).sort(), lines.sort())
    const stats = await (await fetch(
      `http://127.0.0.1:${daemon.httpPort}/stats?format=json&topic=${topic}`)).json()
    const [client] = stats.topics[0].channels[0].clients
    assert.equal(client.tls, options.tls === true)
    assert.equal(client.deflate, options.deflate === true)
    assert.equal(client.snappy, options.snappy === true)
  })
}

story('a deferred message does not come early', [], async ({daemon, writer, topic, open}) => {
  const reader = await open(connectReader(daemon, topic, 'c', finish))
  const begin = Date.now()
  await publishDeferred(writer, topic, 'later', 700)
  await publish(writer, topic, 'now')
  await eventually(() => reader.received.length === 2, 'both messages')
  assert.deepEqual(bodies(reader), ['now', 'later'])
  assert.ok(reader.received[1].at - begin >= 699, `came after ${reader.received[1].at - begin} ms`)
})

story('each channel gets a copy, its readers share it', [], async ({daemon, writer, topic, open}) => {
  const first = await open(connectReader(daemon, topic, 'shared', finish))
  const second = await open(connectReader(daemon, topic, 'shared', finish))
  const other = await open(connectReader(daemon, topic, 'other', finish))
  await sleep(200)
  const lines = Array.from({length: 200}, (_, i) => `${i}`)
  await publish(writer, topic, lines)
  await eventually(() => other.received.length === 200, 'a copy for the other channel')
  await eventually(() => first.received.length + second.received.length === 200, 'the shared copy')
  assert.deepEqual([...bodies(first), ...bodies(second)].sort(), lines.sort())
})

story('a requeued message comes back', [], async ({daemon, writer, topic, open}) => {
  const reader = await open(connectReader(daemon, topic, 'c', (message) => {
    if (message.attempts < 3) message.requeue(0, false)
    else message.finish()
  }))
  await publish(writer, topic, 'again')
  await eventually(() => reader.received.length === 3, 'three deliveries')
  assert.deepEqual(reader.received.map((one) => one.attempts), [1, 2, 3])
})

story('a requeue delay is kept', [], async ({daemon, writer, topic, open}) => {
  const reader = await open(connectReader(daemon, topic, 'c', (message) => {
    if (message.attempts === 1) message.requeue(500, false)
    else message.finish()
  }))
  await publish(writer, topic, 'again')
  await eventually(() => reader.received.length === 2, 'the second delivery')
  const waited = reader.received[1].at - reader.received[0].at
  assert.ok(waited >= 499 && waited < 2500, `came after ${waited} ms`)
})

story('an unanswered message comes back after its timeout', ['--msg-timeout=1s'],
  async ({daemon, writer, topic, open}) => {
    const reader = await open(connectReader(daemon, topic, 'c', (message) => {
      if (message.attempts === 2) message.finish()
    }))
    await publish(writer, topic, 'forgotten')
    await eventually(() => reader.received.length === 2, 'the second delivery')
    assert.equal(reader.received[1].attempts, 2)
    assert.ok(reader.received[1].at - reader.received[0].at >= 990)
  })

story('a touched message does not time out', ['--msg-timeout=1s'],
  async ({daemon, writer, topic, open}) => {
    const reader = await open(connectReader(daemon, topic, 'c', async (message) => {
      for (let i = 0; i < 6; i += 1) {
        await sleep(400)
        message.touch()
      }
      message.finish()
    }))
    await publish(writer, topic, 'slow')
    await sleep(3500)
    assert.equal(reader.received.length, 1)
  })

story('attempts above the maximum are discarded', [], async ({daemon, writer, topic, open}) => {
  const reader = await open(connectReader(daemon, topic, 'c',
    (message) => message.requeue(0, false), {maxAttempts: 2}))
  const discarded = []
  reader.on('discard', (message) => discarded.push(message.attempts))
  await publish(writer, topic, 'poison')
  await eventually(() => discarded.length === 1, 'the discard')
  assert.deepEqual(discarded, [3])
  assert.deepEqual(reader.received.map((one) => one.attempts), [1, 2])
  await sleep(200)
  assert.equal(reader.received.length, 2)
})

story('heartbeats keep idle connections open', [], async ({daemon, topic, open}) => {
  const writer = await open(connectWriter(daemon, {heartbeatInterval: 1}))
  const reader = await open(connectReader(daemon, topic, 'c', finish, {heartbeatInterval: 1}))
  let closed = 0
  writer.on('closed', () => { closed += 1 })
  reader.on('nsqd_closed', () => { closed += 1 })
  await sleep(3500)
  await publish(writer, topic, 'still here')
  await eventually(() => reader.received.length === 1, 'the message')
  assert.equal(closed, 0)
})

story('a bad topic ends the connection and nothing else', [], async ({daemon, topic, writer, open}) => {
  const doomed = await open(connectWriter(daemon))
  await assert.rejects(publish(doomed, 'bad!', 'x'))
  await publish(writer, topic, 'fine')
  const reader = await open(connectReader(daemon, topic, 'c', finish))
  await eventually(() => reader.received.length === 1, 'the message')
})

story('a consumer that leaves gives its messages back', [], async ({daemon, writer, topic, open}) => {
  const silent = await connectReader(daemon, topic, 'c', () => {})
  await publish(writer, topic, 'held')
  await eventually(() => silent.received.length === 1, 'the first delivery')
  silent.close()
  const reader = await open(connectReader(daemon, topic, 'c', finish))
  await eventually(() => reader.received.length === 1, 'the second delivery')
  assert.equal(reader.received[0].attempts, 2)
})

story('nothing acknowledged is lost by a crash', [], async ({daemon, writer, topic, open}) => {
  const seen = new Set()
  await open(connectReader(daemon, topic, 'c', (message) => {
    seen.add(message.body.toString())
    message.finish()
  }, {maxInFlight: 100}))
  const acknowledged = new Set()
  writer.on('error', () => {})
  for (let i = 0; i < 5000; i += 1) {
    writer.publish(topic, `message ${i}`, (error) => { if (!error) acknowledged.add(`message ${i}`) })
  }
  await eventually(() => acknowledged.size > 500, 'some acknowledgements')
  await daemon.kill()
  await daemon.start()

  const second = await open(connectWriter(daemon))
  await publish(second, topic, 'after')
  acknowledged.add('after')
  const missing = () => [...acknowledged].filter((body) => !seen.has(body))
  await eventually(() => missing().length === 0, 'every acknowledged message', 20000)
})

story('what was left at a shutdown is there afterwards', [], async ({daemon, writer, topic, open}) => {
  await publish(writer, topic, ['one', 'two'])
  await publishDeferred(writer, topic, 'three', 300)
  daemon.child.kill('SIGTERM')
  await daemon.exited
  await daemon.start()
  const reader = await open(connectReader(daemon, topic, 'c', finish))
  await eventually(() => reader.received.length === 3, 'all messages')
  assert.deepEqual(bodies(reader).sort(), ['one', 'three', 'two'])
})

test('daemons are found through lookupds, also one that comes later', {timeout: 30000}, async () => {
  const servers = []
  const run = async (starting) => {
    const server = await starting
    servers.push(server)
    return server
  }
  const clients = []
  try {
    const lookupds = [await run(Lookupd.start()), await run(Lookupd.start())]
    const flags = ['--broadcast-address=127.0.0.1',
      ...lookupds.map((lookupd) => `--lookupd-tcp-address=${lookupd.address}`)]
    const first = await run(Daemon.start(...flags))
    const topic = freshTopic()
    const writer = await connectWriter(first)
    clients.push(writer)
    await publish(writer, topic, 'from the first')
    const reader = await connectReader(first, topic, 'c', finish, {
      nsqdTCPAddresses: [],
      lookupdHTTPAddresses: lookupds.map((lookupd) => lookupd.httpAddress),
    })
    clients.push(reader)
    await eventually(() => reader.received.length === 1, 'the message of the first daemon')
    const second = await run(Daemon.start(...flags))
    const other = await connectWriter(second)
    clients.push(other)
    await publish(other, topic, 'from the second')
    await eventually(() => reader.received.length === 2, 'the message of the second daemon')
    assert.deepEqual(bodies(reader).sort(), ['from the first', 'from the second'])
  } finally {
    for (const client of clients) client.close()
    for (const server of servers) await server.stop()
  }
})
