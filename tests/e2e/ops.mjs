// What the tests of operations share: command lines that run to their end, servers whose log is kept, stores that somebody else
// has locked, certificates, and waiting with a deadline. Only Node's own modules.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import http from 'node:http'
import os from 'node:os'
import path from 'node:path'
import { BINARY, SECRET, Usher } from '../net/usher.mjs'

// The environment of the runner, without what would configure the servers under test.
function environment(more) {
  const kept = Object.entries(process.env).filter(([name]) => !name.startsWith('USHER_'))
  return { ...Object.fromEntries(kept), ...more }
}

// A folder that goes when the test `t` has ended.
export function folder(t) {
  const made = mkdtempSync(path.join(os.tmpdir(), 'usher-ops-'))
  t.after(() => rmSync(made, { recursive: true, force: true }))
  return made
}

export function file(dir, name, text) {
  const made = path.join(dir, name)
  writeFileSync(made, text)
  return made
}

// Runs a program to its end: {code, out, err}. A program that hangs is ended, and its code is then no number.
export async function run(program, args, { input = '', env = {}, cwd, timeout = 20000 } = {}) {
  const child = spawn(program, args, { env: environment(env), cwd, timeout, killSignal: 'SIGKILL' })
  const text = { out: '', err: '' }
  child.stdout.on('data', (chunk) => { text.out += chunk })
  child.stderr.on('data', (chunk) => { text.err += chunk })
  child.stdin.on('error', () => {}) // it may end without reading
  child.stdin.end(input)
  const [code, signal] = await once(child, 'close')
  return { code: code ?? signal, ...text }
}

export const usher = (args, options) => run(BINARY, args, options)

// Calls `look` until it returns something; the last look begins before the deadline. Returns what it saw, or undefined.
export async function within(ms, look) {
  for (const end = performance.now() + ms; ;) {
    const isLast = performance.now() >= end
    const seen = await look()
    if (seen || isLast) return seen || undefined
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

export class Server extends Usher {
  log = ''

  // Starts a server and resolves when it is ready. `wrapper`: a program and arguments in front, which must exec.
  static async launch(t, args, { env = {}, wrapper = [] } = {}) {
    const self = new Server()
    const [program, ...rest] = [...wrapper, BINARY, ...args]
    self.child = spawn(program, rest, { stdio: ['ignore', 'pipe', 'pipe'], env: environment(env) })
    self.exited = once(self.child, 'close')
    self.out = ''
    self.child.stderr.on('data', (chunk) => { self.log += chunk })
    t.after(() => self.kill())
    self.base = await new Promise((resolve, reject) => {
      self.child.stdout.on('data', (chunk) => {
        self.out += chunk
        const match = /^ready (\S+)$/m.exec(self.out)
        if (match) resolve(match[1])
      })
      self.exited.then(([code]) => reject(new Error(`ended before it was ready: ${code}\n${self.log}`)), reject)
    })
    const url = new URL(self.base)
    self.host = url.hostname
    self.port = Number(url.port)
    self.agent = new http.Agent({ keepAlive: true, maxSockets: 64 })
    self.uma = '/am/uma/realms/root/realms/alpha'
    self.oauth = '/am/oauth2/realms/root/realms/alpha'
    self.json = '/am/json/realms/root/realms/alpha'
    return self
  }

  // The demo world in `dir`, on a free port.
  static demo(t, dir, more = [], options = {}) {
    return Server.launch(t, ['demo', '--listen', '127.0.0.1:0', '--data', dir, ...more], options)
  }

  logged(pattern, ms = 2000) { return within(ms, () => pattern.test(this.log)) }
}

// A command of administration on the demo world in `dir`, beside its server; a secret or password that it reads is SECRET. What it prints.
export async function administer(dir, ...args) {
  const r = await run(BINARY, [...args, '--realm', '/alpha', '--store', `sqlite:${path.join(dir, 'usher.db')}`], { input: `${SECRET}\n` })
  if (r.code !== 0) throw new Error(r.err)
  return r.out.trim()
}

// A certificate for 127.0.0.1, self-signed or by `ca`: paths of certificate and key.
export async function certificate(dir, name, ca) {
  const made = { certificate: path.join(dir, `${name}.pem`), key: path.join(dir, `${name}.key`) }
  const r = await run('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2',
    '-subj', `/CN=${name}`, '-addext', 'subjectAltName=IP:127.0.0.1', '-keyout', made.key, '-out', made.certificate,
    ...(ca ? ['-CA', ca.certificate, '-CAkey', ca.key] : [])])
  if (r.code !== 0) throw new Error(r.err)
  return made
}

// Another process that holds the store's write lock until release() is called.
const HOLDER = `
import sqlite3, sys
db = sqlite3.connect(sys.argv[1], isolation_level=None)
db.execute(sys.argv[2])
print("locked", flush=True)
sys.stdin.read()
`
export async function lock(t, store, how = 'BEGIN IMMEDIATE') {
  const child = spawn('python3', ['-c', HOLDER, store, how], { stdio: ['pipe', 'pipe', 'inherit'] })
  const ended = once(child, 'close')
  const release = async () => {
    child.stdin.end()
    await ended
  }
  t.after(release)
  await Promise.race([once(child.stdout, 'data'), ended.then(() => { throw new Error('the store cannot be locked') })])
  return release
}

// Changes a store behind the server's back.
export async function sql(store, statement) {
  const r = await run('python3', ['-c', 'import sqlite3, sys\ndb = sqlite3.connect(sys.argv[1])\nprint(db.execute(sys.argv[2]).fetchall())\ndb.commit()', store, statement])
  if (r.code !== 0) throw new Error(r.err)
  return r.out
}

// Alice's album, shared with bob for `view`, and what a grant takes: {pat, id, idToken, ticket()}.
export async function album(server) {
  const pat = await server.pat()
  const idToken = (await server.token('bob', 'UMA-Client', 'openid')).id_token
  const made = await server.send('POST', `${server.uma}/resource_set`, { name: 'Album', resource_scopes: ['view'] }, pat)
  const id = made.json._id
  await server.share(await server.sso(), 'alice', id, [{ subject: 'bob', scopes: ['view'] }])
  const ticket = async () => {
    const r = await server.send('POST', `${server.uma}/permission_request`, { resource_id: id, resource_scopes: ['view'] }, pat)
    return r.json.ticket
  }
  return { pat, id, idToken, ticket }
}

// The demo world, made once for a file of tests: a function that gives a test a folder with a copy of it.
export async function demoWorld() {
  const world = folder({ after: (end) => process.on('exit', end) })
  const server = await Server.demo({ after: () => {} }, world)
  await server.stop()
  return (t) => {
    const dir = folder(t)
    cpSync(world, dir, { recursive: true, preserveTimestamps: true })
    return dir
  }
}
