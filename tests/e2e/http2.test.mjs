// HTTP/2 against the release binary: Node's client, curl and h2load, by TLS and with prior knowledge; the end of a server; and floods, with
// somebody else being served meanwhile. Frames that no client would send are written by hand.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import http2 from 'node:http2'
import net from 'node:net'
import os from 'node:os'
import path from 'node:path'
import { after, before, test } from 'node:test'
import tls from 'node:tls'
import { PASSWORD, SECRET } from '../net/usher.mjs'
import { certificate, file, folder, run, Server, usher, within } from './ops.mjs'

const LIVE = '/am/json/health/live'
const form = { 'content-type': 'application/x-www-form-urlencoded' }
let dir, own

before(async () => {
  dir = mkdtempSync(path.join(os.tmpdir(), 'usher-http2-'))
  own = await certificate(dir, 'as')
})
after(() => rmSync(dir, { recursive: true, force: true }))

// The demo world over TLS and over plain TCP; `port` is that of TLS, `plain` the other.
async function serve(t, more = 'http: { h2c: true }\n') {
  const dir = folder(t)
  const first = await Server.demo(t, dir)
  const plain = first.port
  assert.equal(await first.stop(), 0)
  const config = file(dir, 'usher.yaml', `listen: [{ address: 127.0.0.1, port: 0, tls: true }, { address: 127.0.0.1, port: ${plain} }]\n`
    + `store: "sqlite:${path.join(dir, 'usher.db')}"\ntls: { certificate: ${own.certificate}, key: ${own.key} }\n${more}`)
  const server = await Server.launch(t, ['serve', '--config', config])
  return { server, plain, port: server.port }
}

// A session of Node's client, over TLS or plain TCP. ask() gives {status, headers, text}.
async function open(t, at, isTls) {
  const url = isTls ? `https://127.0.0.1:${at.port}` : `http://127.0.0.1:${at.plain}`
  const session = http2.connect(url, isTls ? { ca: readFileSync(own.certificate) } : {})
  session.on('error', () => {}) // those who ask are told, stream by stream
  t.after(() => session.destroy())
  await once(session, 'connect')
  const ask = (method, target, headers = {}, body) => new Promise((resolve, reject) => {
    const req = session.request({ ':method': method, ':path': target, ...headers })
    const chunks = []
    let head
    req.on('response', (got) => { head = got })
    req.on('data', (chunk) => chunks.push(chunk))
    req.on('end', () => resolve({ status: head?.[':status'], headers: head, text: Buffer.concat(chunks).toString() }))
    req.on('error', reject)
    req.end(body)
  })
  return { session, ask }
}

async function patOf(at, ask) {
  const r = await ask('POST', `${at.server.oauth}/access_token`, form, new URLSearchParams({ grant_type: 'password', scope: 'uma_protection',
    username: 'alice', password: PASSWORD, client_id: 'UMA-Resource-Server', client_secret: SECRET }).toString())
  assert.equal(r.status, 200, r.text)
  return { authorization: `Bearer ${JSON.parse(r.text).access_token}` }
}

for (const isTls of [true, false]) {
  const name = isTls ? 'TLS' : 'prior knowledge'

  test(`${name}: requests at once on one connection get their own answers`, async (t) => {
    const at = await serve(t)
    const { session, ask } = await open(t, at, isTls)
    if (isTls) assert.equal(session.alpnProtocol, 'h2')
    const pat = await patOf(at, ask)
    const made = await Promise.all(Array.from({ length: 150 }, (_, i) => ask('POST', `${at.server.uma}/resource_set`,
      { ...pat, 'content-type': 'application/json' }, JSON.stringify({ name: `Album ${i}`, resource_scopes: ['view'] }))))
    assert.deepEqual([...new Set(made.map((r) => r.status))], [201])
    const ids = made.map((r) => JSON.parse(r.text)._id)
    assert.equal(new Set(ids).size, 150)
    const read = await Promise.all(ids.map((id) => ask('GET', `${at.server.uma}/resource_set/${id}`, pat)))
    read.forEach((r, i) => assert.equal(JSON.parse(r.text).name, `Album ${i}`))
    assert.match(read[0].headers.etag ?? '', /\S/)
    assert.equal((await ask('HEAD', LIVE)).text, '')
    assert.equal((await ask('GET', '/am/nowhere')).status, 404)
    assert.ok(await at.server.logged(/protocol=h2 status=201/))
  })

  test(`${name}: large bodies, both ways`, async (t) => {
    const at = await serve(t)
    const { ask } = await open(t, at, isTls)
    const pat = await patOf(at, ask)
    const made = await Promise.all(Array.from({ length: 30 }, (_, i) => ask('POST', `${at.server.uma}/resource_set`, { ...pat, 'content-type': 'application/json' },
      JSON.stringify({ name: `Large ${i}`, resource_scopes: ['view'], description: String(i).repeat(500) }))))
    assert.deepEqual([...new Set(made.map((r) => r.status))], [201])
    const over = await Promise.all(Array.from({ length: 5 }, () => ask('POST', `${at.server.oauth}/introspect`, form, 'x'.repeat(65537)).catch((error) => error)))
    for (const r of over) assert.ok(r.status === 413 || r.code === 'ERR_HTTP2_STREAM_ERROR', `${r.status} ${r}`)
    const full = await ask('POST', `${at.server.oauth}/introspect`, form, `token=${'x'.repeat(65530)}`)
    assert.equal(JSON.parse(full.text).error, 'invalid_client')
    const page = await Promise.all(Array.from({ length: 90 }, () => ask('GET', `${at.server.oauth}/.well-known/openid-configuration`)))
    for (const r of page) assert.equal(Number(r.headers['content-length']), r.text.length)
    assert.ok(page[0].text.length * page.length > 2 * 65535) // more than the windows that a connection begins with
  })

  test(`${name}: SIGTERM says GOAWAY, answers what is under way, and ends`, async (t) => {
    const at = await serve(t)
    const { session, ask } = await open(t, at, isTls)
    const idle = await open(t, at, isTls)
    assert.equal((await idle.ask('GET', LIVE)).status, 200)
    const goaways = []
    session.on('goaway', (code) => goaways.push(code))
    const closed = once(session, 'close'), idleClosed = once(idle.session, 'close')
    // Passwords take their time: some of these wait for a thread when the signal comes.
    const grants = Array.from({ length: 20 }, () => ask('POST', `${at.server.oauth}/access_token`, form, new URLSearchParams({
      grant_type: 'password', scope: 'view', username: 'bob', password: PASSWORD, client_id: 'UMA-Client', client_secret: SECRET }).toString()))
    await Promise.race(grants)
    at.server.child.kill('SIGTERM')
    const answers = await Promise.all(grants)
    assert.deepEqual([...new Set(answers.map((r) => r.status))], [200])
    await closed
    await idleClosed
    assert.ok(goaways.length >= 1 && goaways.every((code) => code === http2.constants.NGHTTP2_NO_ERROR), `${goaways}`)
    assert.equal((await at.server.exited)[0], 0)
  })
}

test('curl: HTTP/2 where it is on, HTTP/1.1 where it is off, h2c only with the key', async (t) => {
  const curl = async (url, ...more) => {
    const r = await run('curl', ['-s', '-o', '/dev/null', '-w', '%{http_version} %{http_code}', '--cacert', own.certificate, ...more, url])
    return r.code === 0 ? r.out : `failed ${r.code}`
  }
  const on = await serve(t)
  const off = await serve(t, 'http: { h2: false }\n')
  const usual = await serve(t, '')
  const urls = (at) => [`https://127.0.0.1:${at.port}${LIVE}`, `http://127.0.0.1:${at.plain}${LIVE}`]
  for (const [at, byTls, byPlain] of [[on, '2 200', '2 200'], [usual, '2 200', 'failed'], [off, '1.1 200', 'failed']]) {
    const [secure, plain] = urls(at)
    assert.equal(await curl(secure, '--http2'), byTls)
    assert.equal(await curl(secure, '--http1.1'), '1.1 200')
    assert.equal(await curl(plain, '--http1.1'), '1.1 200')
    assert.equal(await curl(plain, '--http2'), '1.1 200') // an upgrade is not taken
    assert.ok((await curl(plain, '--http2-prior-knowledge')).startsWith(byPlain))
  }
  const bad = file(folder(t), 'usher.yaml', 'listen: [{ address: 127.0.0.1, port: 0 }]\nhttp: { h2: false, h2c: true }\n')
  const refused = await usher(['serve', '--config', bad, '--check'])
  assert.notEqual(refused.code, 0)
  assert.match(refused.err, /h2c needs h2/)
})

test('h2load: thousands of requests, over TLS and with prior knowledge, and not one is lost', async (t) => {
  const at = await serve(t, 'http: { h2c: true }\nlog: { requests: false }\n')
  for (const url of [`https://127.0.0.1:${at.port}${LIVE}`, `http://127.0.0.1:${at.plain}${LIVE}`])
    for (const [clients, streams] of [[1, 1], [1, 100], [20, 30]]) {
      const r = await run('h2load', ['-n', '3000', '-c', String(clients), '-m', String(streams), '-t', '1', url], { timeout: 60000 })
      assert.equal(r.code, 0, r.err)
      assert.match(r.out, /3000 succeeded, 0 failed, 0 errored, 0 timeout/, r.out)
      assert.match(r.out, /status codes: 3000 2xx/, r.out)
    }
  const body = file(folder(t), 'form', 'token=x&client_id=UMA-Client&client_secret=mySecret')
  const r = await run('h2load', ['-n', '2000', '-c', '4', '-m', '25', '-d', body, '-H', 'content-type: application/x-www-form-urlencoded',
    `https://127.0.0.1:${at.port}${at.server.oauth}/introspect`], { timeout: 60000 })
  assert.match(r.out, /status codes: 2000 2xx/, r.out)
})

// Floods.

const frame = (type, flags, id, payload = Buffer.alloc(0)) => {
  const head = Buffer.alloc(9)
  head.writeUIntBE(payload.length, 0, 3)
  head[3] = type
  head[4] = flags
  head.writeInt32BE(id, 5)
  return Buffer.concat([head, payload])
}
const PREFACE = Buffer.concat([Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'), frame(4, 0, 0)])
// GET, https, the target and the authority, without any table.
const head = (target) => Buffer.concat([Buffer.from([0x82, 0x87, 0x04, target.length]), Buffer.from(target), Buffer.from([0x41, 6]), Buffer.from('a.test')])

// Writes all of `parts` as fast as the other side takes it; the code of the GOAWAY that comes back, or -1.
async function flood(at, isTls, parts) {
  const socket = isTls ? tls.connect({ host: '127.0.0.1', port: at.port, ca: readFileSync(own.certificate), ALPNProtocols: ['h2'] }) : net.connect(at.plain, '127.0.0.1')
  let got = Buffer.alloc(0)
  socket.on('data', (chunk) => { got = Buffer.concat([got, chunk]) })
  socket.on('error', () => {})
  let hasClosed = false
  const closed = new Promise((resolve) => socket.on('close', () => { hasClosed = true; resolve() }))
  await once(socket, isTls ? 'secureConnect' : 'connect')
  for (const part of parts) {
    if (hasClosed || socket.readableEnded) break
    if (!socket.write(part)) await Promise.race([new Promise((resolve) => socket.once('drain', resolve)), closed])
  }
  await Promise.race([closed, new Promise((resolve) => setTimeout(resolve, 5000).unref())])
  assert.ok(hasClosed)
  let code = -1
  for (let i = 0; i + 9 <= got.length; i += 9 + got.readUIntBE(i, 3))
    if (got[i + 3] === 7) code = got.readUInt32BE(i + 13)
  return code
}
const residentKib = (server) => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${server.child.pid}/status`, 'utf8'))[1])

for (const isTls of [true, false])
  test(`floods end their connection and nobody else's (${isTls ? 'TLS' : 'plain'})`, async (t) => {
    const at = await serve(t, 'http: { h2c: true }\nlog: { requests: false }\n')
    const { ask } = await open(t, at, isTls)
    assert.equal((await ask('GET', LIVE)).status, 200)
    const before = residentKib(at.server)
    const many = (n, make) => function* () { yield PREFACE; for (let i = 0; i < n; i++) yield make(i) }
    const tokens = `${at.server.oauth}/introspect`
    const floods = {
      resets: many(20000, (i) => Buffer.concat([frame(1, 5, 2 * i + 1, head(tokens)), frame(3, 0, 2 * i + 1, Buffer.from([0, 0, 0, 8]))])),
      continuations: many(20000, (i) => (i ? frame(9, 0, 1, Buffer.alloc(100, 0x82)) : frame(1, 1, 1, head(LIVE)))),
      'empty continuations': many(20000, (i) => (i ? frame(9, 0, 1) : frame(1, 1, 1, head(LIVE)))),
      pings: many(20000, () => frame(6, 0, 0, Buffer.alloc(8))),
      settings: many(20000, () => frame(4, 0, 0, Buffer.from([0, 4, 0, 0, 0xff, 0xff]))),
      'empty data': many(20000, (i) => (i ? frame(0, 0, 1) : frame(1, 4, 1, head(LIVE)))),
      priorities: many(20000, () => frame(2, 0, 1, Buffer.alloc(5, 3))),
      bomb: many(200, (i) => frame(1, 5, 2 * i + 1, Buffer.concat([Buffer.from([0x40, 1, 0x78, 0x7f, 0x81, 0x1e]), Buffer.alloc(4000, 0x79), Buffer.alloc(12000, 0xbe)]))),
    }
    for (const [name, parts] of Object.entries(floods)) {
      const watch = (async () => {
        let slowest = 0
        for (let i = 0; i < 5; i++) {
          const began = performance.now()
          assert.equal((await ask('GET', LIVE)).status, 200)
          slowest = Math.max(slowest, performance.now() - began)
        }
        return slowest
      })()
      const code = await flood(at, isTls, parts())
      // A connection that is reset while it still sends may lose the goodbye; it has ended all the same.
      assert.ok([http2.constants.NGHTTP2_ENHANCE_YOUR_CALM, -1].includes(code), `${name}: ${code}`)
      assert.ok(await watch < 2000, name)
    }
    assert.ok(residentKib(at.server) < before + 32 * 1024, `${before} became ${residentKib(at.server)} KiB`)
    assert.ok(await within(5000, async () => (await ask('GET', LIVE)).status === 200))
    assert.equal(await at.server.stop(), 0)
  })
