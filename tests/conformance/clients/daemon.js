// Starts and ends the real binary for the tests: free ports, a fresh data directory.
'use strict'

const {execFileSync, spawn} = require('node:child_process')
const fs = require('node:fs')
const os = require('node:os')
const path = require('node:path')

const binary = process.env.NSQ_BINARY
if (!binary) throw new Error('NSQ_BINARY does not say which binary to test')

class Daemon {
  constructor(flags) {
    this.flags = flags
    this.dataPath = fs.mkdtempSync(path.join(os.tmpdir(), 'nsq-nsqjs-'))
    this.tcpPort = 0 // any free one; the same again after a restart
    this.httpPort = 0
  }

  static async start(...flags) {
    const daemon = new Daemon(flags)
    await daemon.start()
    return daemon
  }

  get address() {
    return `127.0.0.1:${this.tcpPort}`
  }

  arguments() {
    return [
      'daemon',
      `--tcp-address=127.0.0.1:${this.tcpPort}`,
      `--http-address=127.0.0.1:${this.httpPort}`,
      `--data-path=${this.dataPath}`,
      ...this.flags,
    ]
  }

  async start() {
    this.log = ''
    this.child = spawn(binary, this.arguments(), {stdio: ['ignore', 'ignore', 'pipe']})
    this.exited = new Promise((resolve) => this.child.once('exit', resolve))
    this.tcpPort = await this.listener('TCP')
    this.httpPort = await this.listener('HTTP')
  }

  // The port in the log line that says a listener is up.
  async listener(name) {
    if (!this.reading) {
      this.reading = true
      this.child.stderr.on('data', (chunk) => { this.log += chunk })
      this.child.once('exit', () => { this.reading = false })
    }
    const line = new RegExp(` ${name}: listening on \\S*:(\\d+)`)
    for (let waited = 0; waited < 10000; waited += 10) {
      const found = line.exec(this.log)
      if (found) return Number(found[1])
      await new Promise((resolve) => setTimeout(resolve, 10))
    }
    throw new Error(`the daemon does not listen: ${this.log}`)
  }

  async kill() {
    this.child.kill('SIGKILL')
    await this.exited
  }

  async stop() {
    if (this.child.exitCode === null && this.child.signalCode === null) this.child.kill('SIGTERM')
    await this.exited
    fs.rmSync(this.dataPath, {recursive: true, force: true})
  }
}

class Lookupd extends Daemon {
  static async start() {
    const lookupd = new Lookupd([])
    await lookupd.start()
    return lookupd
  }

  arguments() {
    return [
      'lookupd',
      `--tcp-address=127.0.0.1:${this.tcpPort}`,
      `--http-address=127.0.0.1:${this.httpPort}`,
      '--broadcast-address=127.0.0.1',
    ]
  }

  get httpAddress() {
    return `127.0.0.1:${this.httpPort}`
  }
}

// Flags for a certificate of its own making, which goes with the process.
function tlsFlags() {
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'nsq-nsqjs-tls-'))
  process.once('exit', () => fs.rmSync(directory, {recursive: true, force: true}))
  const cert = path.join(directory, 'cert.pem')
  const key = path.join(directory, 'key.pem')
  execFileSync('openssl', ['req', '-x509', '-nodes', '-days', '2', '-subj', '/CN=localhost',
    '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-keyout', key, '-out', cert],
  {stdio: 'ignore'})
  return [`--tls-cert=${cert}`, `--tls-key=${key}`, '--https-address=127.0.0.1:0']
}

module.exports = {Daemon, Lookupd, tlsFlags}
