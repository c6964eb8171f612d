// nsqjs with promises: what the tests say instead of wiring events.
'use strict'

const {Reader, Writer} = require('nsqjs')

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms))

// Resolves once `condition` holds; fails after `limitMs`.
async function eventually(condition, what, limitMs = 10000) {
  for (const end = Date.now() + limitMs; Date.now() < end;) {
    if (condition()) return
    await sleep(5)
  }
  throw new Error(`did not happen in time: ${what}`)
}

function connectWriter(daemon, options = {}) {
  const writer = new Writer('127.0.0.1', daemon.tcpPort, options)
  writer.errors = []
  return new Promise((resolve, reject) => {
    writer.on('error', (error) => {
      writer.errors.push(error)
      reject(error)
    })
    writer.on('ready', () => resolve(writer))
    writer.connect()
  })
}

function publish(writer, topic, bodies) {
  return new Promise((resolve, reject) => {
    writer.publish(topic, bodies, (error) => (error ? reject(error) : resolve()))
  })
}

function publishDeferred(writer, topic, body, delayMs) {
  return new Promise((resolve, reject) => {
    // nsqjs wants an array here, of one.
    writer.deferPublish(topic, [body], delayMs, (error) => (error ? reject(error) : resolve()))
  })
}

// A reader that notes what it gets, as {body, attempts, at}, and lets `handle` answer.
async function connectReader(daemon, topic, channel, handle, options = {}) {
  const reader = new Reader(topic, channel, {
    nsqdTCPAddresses: [daemon.address],
    maxInFlight: 10,
    lookupdPollInterval: 1,
    ...options,
  })
  reader.received = []
  reader.on('error', () => {}) // a daemon that goes away is part of the tests
  reader.on('message', (message) => {
    reader.received.push({body: message.body.toString(), attempts: message.attempts, at: Date.now()})
    handle(message)
  })
  await new Promise((resolve) => {
    reader.once('nsqd_connected', resolve)
    reader.connect()
  })
  return reader
}

const finish = (message) => message.finish()
const bodies = (reader) => reader.received.map((one) => one.body)

module.exports = {
  bodies, connectReader, connectWriter, eventually, finish, publish, publishDeferred, sleep,
}
