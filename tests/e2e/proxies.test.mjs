// Debian's nginx and HAProxy in front, configured by packaging/nginx.conf.sample and packaging/haproxy.cfg.sample: the address and the
// certificate of the client reach Usher, and what a client says about both does not.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import http from 'node:http'
import http2 from 'node:http2'
import os from 'node:os'
import path from 'node:path'
import { after, before, test } from 'node:test'
import tls from 'node:tls'
import { startHaproxy, startNginx } from '../net/proxies.mjs'
import { certificate, file, Server, within } from './ops.mjs'

const CLIENT = '127.0.0.3' // where requests come from; the proxies talk to Usher from 127.0.0.1
const STRANGER = '127.0.0.4' // not a trusted proxy
const at = {}
const ends = []

before(async () => {
  const later = { after: (end) => ends.push(end) }
  at.dir = mkdtempSync(path.join(os.tmpdir(), 'usher-proxies-'))
  const first = await Server.demo(later, at.dir)
  const { port } = first
  assert.equal(await first.stop(), 0)
  at.own = await certificate(at.dir, 'as')
  at.ca = await certificate(at.dir, 'authority')
  at.mine = await certificate(at.dir, 'mine', at.ca)
  at.other = await certificate(at.dir, 'other')
  const config = file(at.dir, 'usher.yaml', `listen: [{ address: 127.0.0.1, port: ${port} }]\nstore: "sqlite:${at.dir}/usher.db"\n`
    + `trusted_proxies: [127.0.0.1]\nclient_cert_header: Client-Cert\nclient_ca_file: ${at.ca.certificate}\nhttp: { h2c: true }\n`)
  at.usher = await Server.launch(later, ['serve', '--config', config])
  const made = await at.usher.send('POST', `${at.usher.oauth}/register`, { redirect_uris: ['https://client.example/cb'],
    token_endpoint_auth_method: 'tls_client_auth', tls_client_auth_subject_dn: 'CN=mine' })
  assert.equal(made.status, 201, made.text)
  at.id = made.json.client_id
  at.nginx = await startNginx({ own: at.own, usher: port })
  at.haproxy = await startHaproxy({ own: at.own, usher: port, authorities: at.ca.certificate })
})
after(async () => {
  await at.nginx?.stop()
  await at.haproxy?.stop()
  if (at.usher) assert.equal(await at.usher.stop(), 0)
  for (const end of ends) await end()
  rmSync(at.dir, { recursive: true, force: true })
})

const identity = (cert) => (cert ? { cert: readFileSync(cert.certificate), key: readFileSync(cert.key) } : {})
const derOf = (cert) => readFileSync(cert.certificate, 'utf8').replace(/-----[^-]+-----|\s/g, '')

// A TLS connection to a proxy; `protocol` as ALPN chose it. {socket, session()}: what a later one can resume.
async function connect(proxy, { cert, protocol = 'h2', session } = {}) {
  const socket = tls.connect({ host: '127.0.0.1', port: proxy.port, localAddress: CLIENT, ca: readFileSync(at.own.certificate),
    ALPNProtocols: [protocol], session, ...identity(cert) })
  let ticket
  socket.on('session', (made) => { ticket = made })
  await once(socket, 'secureConnect')
  assert.equal(socket.alpnProtocol, protocol)
  return { socket, session: () => ticket ?? socket.getSession() }
}

// A client of either protocol on one connection: ask(method, path, headers, body) gives {status, text}.
async function client(t, proxy, options = {}) {
  const { socket, session } = await connect(proxy, options)
  if (options.protocol === 'http/1.1') {
    t.after(() => socket.destroy())
    const agent = new http.Agent({ keepAlive: true, maxSockets: 1 })
    agent.createConnection = () => socket
    const ask = (method, target, headers = {}, body) => new Promise((resolve, reject) => {
      const req = http.request({ agent, method, path: target, headers: { host: 'as.example.com', ...headers } }, (res) => {
        let text = ''
        res.on('data', (chunk) => { text += chunk })
        res.on('end', () => resolve({ status: res.statusCode, text }))
      })
      req.on('error', reject)
      req.end(body)
    })
    return { ask, session }
  }
  const h2 = http2.connect(`https://127.0.0.1:${proxy.port}`, { createConnection: () => socket })
  t.after(() => h2.destroy())
  const ask = (method, target, headers = {}, body) => new Promise((resolve, reject) => {
    const req = h2.request({ ':method': method, ':path': target, ':authority': 'as.example.com', ...headers })
    let text = '', status
    req.on('response', (head) => { status = head[':status'] })
    req.on('data', (chunk) => { text += chunk })
    req.on('end', () => resolve({ status, text }))
    req.on('error', reject)
    req.end(body)
  })
  return { ask, session }
}

const live = '/am/json/health/live'
const form = { 'content-type': 'application/x-www-form-urlencoded' }
const introspect = async (c, headers = {}) =>
  (await c.ask('POST', `${at.usher.oauth}/introspect`, { ...form, ...headers }, new URLSearchParams({ token: 'x', client_id: at.id }).toString())).status
// The log line of the request whose transaction is so called.
const lineOf = (name) => within(2000, () => at.usher.log.split('\n').find((line) => line.includes(`transaction=${name}`)))
let asked = 0
async function peerSeen(ask, headers) {
  const name = `t${++asked}`
  assert.equal((await ask('GET', live, { ...headers, 'x-forgerock-transactionid': name })).status, 200)
  return lineOf(name)
}

for (const name of ['nginx', 'haproxy'])
  for (const protocol of ['h2', 'http/1.1']) {
    test(`${name}, ${protocol}: Usher sees the address of the client, whatever the client says`, async (t) => {
      const c = await client(t, at[name], { protocol })
      for (const headers of [{}, { 'x-forwarded-for': '192.0.2.1' }, { 'x-forwarded-for': '192.0.2.1, 127.0.0.1' }, { forwarded: 'for=192.0.2.1', 'x-real-ip': '192.0.2.1' }]) {
        const line = await peerSeen(c.ask, headers)
        assert.match(line, new RegExp(`peer=${CLIENT.replaceAll('.', '\\.')}( |$)`))
        assert.equal(/protocol=h2/.test(line), name === 'haproxy') // how the proxy talks to Usher
      }
    })

    test(`${name}, ${protocol}: the certificate of the connection lets its client in, one that is only told does not`, async (t) => {
      const options = { protocol }
      const mine = await client(t, at[name], { ...options, cert: at.mine })
      const none = await client(t, at[name], options)
      const other = await client(t, at[name], { ...options, cert: at.other })
      assert.equal(await introspect(mine), 200)
      assert.equal(await introspect(none), 400)
      assert.equal(await introspect(other), 400)
      const told = [`:${derOf(at.mine)}:`, encodeURIComponent(readFileSync(at.mine.certificate, 'utf8'))]
      for (const value of told) {
        assert.equal(await introspect(none, { 'client-cert': value }), 400)
        assert.equal(await introspect(other, { 'client-cert': value }), 400)
        assert.equal(await introspect(none, { 'Client-Cert': value, client_cert: value, 'x-client-cert': value }), 400)
      }
      assert.equal(await introspect(mine, { 'client-cert': 'nonsense' }), 200)
      assert.equal(await introspect(mine, { 'client-cert': `:${derOf(at.other)}:` }), 200)
    })
  }

for (const name of ['nginx', 'haproxy']) {
  test(`${name}: a resumed connection has its certificate still`, async (t) => {
    const first = await client(t, at[name], { cert: at.mine })
    assert.equal(await introspect(first), 200)
    const session = first.session()
    const { socket } = await connect(at[name], { cert: at.mine, session })
    const resumed = socket.isSessionReused()
    socket.destroy()
    const again = await client(t, at[name], { cert: at.mine, session })
    assert.equal(await introspect(again), 200)
    assert.equal(resumed, true)
  })

  test(`${name}: many requests at once, bodies up to the limit, and answers as Usher gives them`, async (t) => {
    const c = await client(t, at[name])
    const answers = await Promise.all(Array.from({ length: 80 }, () => c.ask('GET', live)))
    assert.deepEqual([...new Set(answers.map((r) => r.status))], [200])
    const padded = (n) => new URLSearchParams({ token: 'x'.repeat(n - 'token='.length) }).toString()
    const post = (body) => c.ask('POST', `${at.usher.oauth}/introspect`, form, body)
    assert.equal(JSON.parse((await post(padded(65536))).text).error, 'invalid_client')
    assert.equal((await post(padded(65537))).status, 413)
    assert.equal((await c.ask('GET', '/am/json/%00')).status, 400)
    assert.equal((await c.ask('GET', '/am/nowhere')).status, 404)
  })
}

test('who goes round the proxies is believed nothing', async () => {
  const ask = (headers) => new Promise((resolve, reject) => {
    const body = new URLSearchParams({ token: 'x', client_id: at.id }).toString()
    const req = http.request({ host: '127.0.0.1', port: at.usher.port, localAddress: STRANGER, method: 'POST', path: `${at.usher.oauth}/introspect`,
      headers: { ...form, 'content-length': body.length, ...headers } }, (res) => { res.resume(); res.on('end', () => resolve(res.statusCode)) })
    req.on('error', reject)
    req.end(body)
  })
  const headers = { 'client-cert': `:${derOf(at.mine)}:`, 'x-forwarded-for': '192.0.2.1', 'x-forgerock-transactionid': 'round' }
  assert.equal(await ask(headers), 400)
  assert.match(await lineOf('round'), new RegExp(`peer=${STRANGER.replaceAll('.', '\\.')}( |$)`))
})
