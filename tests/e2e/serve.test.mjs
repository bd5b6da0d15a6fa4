// `usher serve` as an operator meets it: configuration and what is wrong with it, TLS and new certificates, signals, the end of
// the process, and whose word counts about who is at the other end.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { copyFileSync, existsSync, readdirSync, readFileSync, readlinkSync, realpathSync, writeFileSync } from 'node:fs'
import http from 'node:http'
import https from 'node:https'
import net from 'node:net'
import path from 'node:path'
import { before, test } from 'node:test'
import tls from 'node:tls'
import { BINARY, PASSWORD, SECRET } from '../net/usher.mjs'
import { certificate, file, folder, run, Server, usher, within } from './ops.mjs'

const LISTEN = 'listen:\n  - { address: 127.0.0.1, port: 0 }\n'
const PUBLIC = 'listen:\n  - { address: 0.0.0.0, port: 0 }\n'

// --- configuration ---

const check = (config, env) => usher(['serve', '--config', config, '--check'], { env })

test('a configuration that is wrong is refused with file and line', async (t) => {
  const dir = folder(t)
  const cases = [ // the text behind LISTEN, the line, what is said
    ['nope: 1\n', 3, /nope: is not a known name/],
    ['log: { level: info, colour: red }\n', 3, /log\.colour: is not a known name/],
    ['log:\n  format: json\n  level: loud\n', 5, /log\.level: must be one of debug, info, warn, error, off/],
    ['loops: 65\n', 3, /loops: must be from 0 to 64/],
    ['loops: many\n', 3, /loops: must be an integer/],
    ['loops: 1.5\n', 3, /loops: must be an integer/],
    ['http: { head_ms: 99 }\n', 3, /http\.head_ms: must be from 100/],
    ['loops: 1\nstore: a\nloops: 2\n', 5, /loops: is there twice/],
    ['store: [a]\n', 3, /store: must be a string/],
    ['store: ""\n', 3, /store: /],
    ['trusted_proxies: 127.0.0.1\n', 3, /trusted_proxies: must be an array/],
    ['store: &a b\n', 3, /anchors/],
    ['store: "a\n', 4, /./],
  ]
  for (const [text, line, pattern] of cases) {
    const r = await check(file(dir, 'bad.yaml', LISTEN + text))
    assert.deepEqual([text, r.code, r.out], [text, 1, ''], r.err)
    assert.match(r.err, new RegExp(`^usher: ${dir}/bad.yaml:${line}: [^\n]+\n$`), text)
    assert.match(r.err, pattern)
  }
  const lacks = await check(file(dir, 'bad.yaml', 'listen:\n  - address: 127.0.0.1\n'))
  assert.match(lacks.err, /bad\.yaml:2: listen\[0\]\.port: is required\n$/)
})

test('rules between keys are told in one sentence', async (t) => {
  const dir = folder(t)
  const cases = [
    ['', /^usher: listen: at least one/],
    ['listen:\n  - { address: nowhere, port: 1 }\n', /listen\[0\]: nowhere is not an IP address/],
    ['listen:\n  - { address: 127.evil.example, port: 1 }\n', /is not an IP address/],
    ['listen:\n  - { address: 127.0.0.1, port: 0, tls: true }\n', /listen\[0\]: tls needs tls\.certificate and tls\.key/],
    [`${LISTEN}tls: { certificate: a.pem }\n`, /certificate and key come together/],
    [`${LISTEN}tls: { certificate: ${dir}/none.pem, key: ${dir}/none.key }\n`, /none\.pem/],
    [`${LISTEN}trusted_proxies: [127.0.0.1, "10.0.0.0/8"]\n`, /trusted_proxies: 10\.0\.0\.0\/8 is not an IP address/],
    [`${LISTEN}base_url: ftp://as.example.net/am\n`, /base_url: must begin with http/],
    [`${LISTEN}base_url: https://as.example.net/am/\n`, /base_url: must not end with a slash/],
    [`${LISTEN}context_path: am\n`, /context_path: must begin with a slash/],
    [`${LISTEN}context_path: /am/\n`, /context_path: .*not end with one/],
  ]
  for (const [text, pattern] of cases) {
    const r = await check(file(dir, 'bad.yaml', text))
    assert.deepEqual([text, r.code, r.out], [text, 1, ''], r.err)
    assert.match(r.err, /^usher: [^\n]+\n$/)
    assert.match(r.err, pattern)
  }
  for (const name of ['none.yaml', '.']) {
    const r = await check(path.join(dir, name))
    assert.equal(r.code, 1)
    assert.match(r.err, /cannot be read: [^\n]+\n$/)
  }
})

test('a file of 256 KiB is read, one byte more is refused', async (t) => {
  const dir = folder(t)
  const padded = (n) => `${LISTEN}#`.padEnd(n - 1, 'x') + '\n'
  assert.equal((await check(file(dir, 'big.yaml', padded(262144)))).code, 0)
  const r = await check(file(dir, 'big.yaml', padded(262145)))
  assert.deepEqual([r.code, r.err], [1, `usher: ${dir}/big.yaml: is larger than 262144 bytes\n`])
})

test('a good configuration is said to be good, and --check touches no store', async (t) => {
  const dir = folder(t)
  const tlsFiles = await certificate(dir, 'one')
  const config = file(dir, 'good.yaml', `${LISTEN}store: sqlite:${dir}/usher.db\n`
    + 'trusted_proxies: [127.0.0.1, "::1"]\nbase_url: https://as.example.net/am\nlog: { level: warn, format: json, requests: false }\n'
    + `tls: { certificate: ${tlsFiles.certificate}, key: ${tlsFiles.key}, ask_client_certificate: true }\n`)
  const r = await check(config)
  assert.deepEqual([r.code, r.out, r.err], [0, `${config}: the configuration is good\n`, ''])
  assert.ok(!existsSync(path.join(dir, 'usher.db')))
})

test('the environment overrides the file, and fails by the name of the variable', async (t) => {
  const dir = folder(t)
  const config = file(dir, 'usher.yaml', `${LISTEN}store: sqlite:${dir}/file.db\nlog: { level: warn }\nloops: 65\n`)
  assert.match((await check(config)).err, /loops/)
  const good = file(dir, 'usher.yaml', `${LISTEN}store: sqlite:${dir}/file.db\nlog: { level: warn }\n`)
  const cases = [
    [{ USHER_LOOPS: '65' }, /environment USHER_LOOPS: .*must be from 0 to 64/],
    [{ USHER_LOOPS: 'two' }, /environment USHER_LOOPS: .*must be an integer/],
    [{ USHER_LOG_LEVEL: 'loud' }, /environment USHER_LOG_LEVEL: .*must be one of/],
    [{ USHER_LOG_REQUESTS: 'yes' }, /environment USHER_LOG_REQUESTS: .*true or false/],
    [{ USHER_HTTP_HEAD_MS: '99' }, /environment USHER_HTTP_HEAD_MS: .*must be from 100/],
    [{ USHER_TRUSTED_PROXIES: '127.0.0.1 nowhere' }, /trusted_proxies: nowhere is not/],
    [{ USHER_BASE_URL: 'as.example.net' }, /base_url/],
  ]
  for (const [env, pattern] of cases) {
    const r = await check(good, env)
    assert.deepEqual([env, r.code], [env, 1])
    assert.match(r.err, /^usher: [^\n]+\n$/)
    assert.match(r.err, pattern)
  }
  const server = await Server.launch(t, ['serve', '--config', good], {
    env: { USHER_STORE: `sqlite:${dir}/environment.db`, USHER_LOG_LEVEL: 'info', USHER_LOG_FORMAT: 'json', USHER_CONTEXT_PATH: '/as' } })
  assert.match(server.base, /\/as$/)
  assert.ok(existsSync(path.join(dir, 'environment.db')) && !existsSync(path.join(dir, 'file.db')))
  await server.request('GET', '/as/json/health/live', { headers: { 'X-ForgeRock-TransactionId': `a"b${'x'.repeat(200)}` } })
  assert.ok(await server.logged(/health/))
  assert.ok(await server.logged(new RegExp(`"transaction":"a\\\\"b${'x'.repeat(97)}"`))) /* at most 100 bytes of it */
  for (const line of server.log.trimEnd().split('\n')) JSON.parse(line)
  assert.equal(await server.stop(), 0)
})

/* UF-01 */
test('a public address needs a base_url, and TLS or a proxy in front', async (t) => {
  const dir = folder(t)
  const start = async (text) => {
    const r = await usher(['serve', '--config', file(dir, 'usher.yaml', `${text}store: sqlite:${dir}/usher.db\n`)])
    assert.deepEqual([r.code, r.out], [1, ''])
    return r.err
  }
  for (const address of ['0.0.0.0', '"::"', '192.0.2.1', '"::ffff:192.0.2.1"']) {
    const listen = `listen:\n  - { address: ${address}, port: 0 }\n`
    assert.match(await start(listen), /^usher: listen\[0\]: \S+ is a public address; say under which URL people reach it: base_url: https:\/\/HOST\/am\n$/)
    assert.match(await start(`${listen}base_url: http://as.example.net/am\n`), /^usher: listen\[0\]: plain HTTP on \S+ would carry tokens in clear; set tls: true, or name the proxy/)
  }
  assert.match(await start(`${LISTEN}  - { address: 0.0.0.0, port: 0 }\n`), /listen\[1\]/)
  assert.ok(!existsSync(path.join(dir, 'usher.db')))
  const good = await check(file(dir, 'usher.yaml', `${PUBLIC}base_url: https://as.example.net/am\ntrusted_proxies: [127.0.0.1]\n`))
  assert.equal(good.code, 0, good.err)
})

// --- TLS ---

let shared // certificates, made once
before(async () => {
  const made = folder({ after: (end) => process.on('exit', end) })
  shared = { dir: made, one: await certificate(made, 'one'), two: await certificate(made, 'two'), client: await certificate(made, 'client') }
})

// A server with one TLS listener on a public address; its certificate is `current.*` in `dir`.
async function serveTls(t, dir, more = '') {
  const current = { certificate: path.join(dir, 'current.pem'), key: path.join(dir, 'current.key') }
  const use = (pair) => {
    copyFileSync(pair.certificate, current.certificate)
    copyFileSync(pair.key, current.key)
  }
  use(shared.one)
  const config = (extra = '') => file(dir, 'usher.yaml', `listen:\n  - { address: 0.0.0.0, port: 0, tls: true }\n  - { address: 127.0.0.1, port: 0, tls: true }\n`
    + `base_url: https://127.0.0.1:1/am\nstore: sqlite:${dir}/usher.db\ntls: { certificate: ${current.certificate}, key: ${current.key}${more} }\n${extra}`)
  return { use, config, current, start: () => Server.launch(t, ['serve', '--config', config()]) }
}

// The base URL is configured here, so the port comes from the system: the listening sockets of the process.
function portOf(server) {
  const inodes = new Set(readdirSync(`/proc/${server.child.pid}/fd`).flatMap((fd) => {
    try { return /^socket:\[(\d+)\]$/.exec(readlinkSync(`/proc/${server.child.pid}/fd/${fd}`))?.[1] ?? [] } catch { return [] }
  }))
  const lines = readFileSync('/proc/net/tcp', 'utf8').split('\n').slice(1).map((line) => line.trim().split(/\s+/))
  const found = lines.find((f) => f[3] === '0A' && inodes.has(f[9]) && f[1].startsWith('00000000:'))
  return parseInt(found[1].split(':')[1], 16)
}

// A TLS connection: its peer certificate's name and a way to ask. Rejects when the handshake fails.
function connect(port, options = {}) {
  return new Promise((resolve, reject) => {
    const socket = tls.connect({ host: '127.0.0.1', port, rejectUnauthorized: false, ...options }, () => {
      const agent = new https.Agent({ keepAlive: true, maxSockets: 1 })
      agent.createConnection = () => socket
      const get = (target) => new Promise((ok, no) => {
        const req = https.request({ agent, path: target, headers: { host: 'x' } }, (res) => {
          res.resume()
          res.on('end', () => ok(res.statusCode))
        })
        req.on('error', no)
        req.end()
      })
      resolve({ socket, name: socket.getPeerCertificate().subject.CN, protocol: socket.getProtocol(), get, end: () => socket.destroy() })
    })
    socket.on('error', reject)
    socket.on('close', () => reject(new Error('closed')))
  })
}

const LIVE = '/am/json/health/live'

/* UF-01 */
test('TLS 1.2 and 1.3 are served; TLS 1.1 and plain HTTP are not', async (t) => {
  const { start } = await serveTls(t, folder(t))
  const server = await start()
  const port = portOf(server)
  for (const version of ['TLSv1.2', 'TLSv1.3']) {
    const c = await connect(port, { minVersion: version, maxVersion: version })
    assert.deepEqual([c.protocol, c.name, await c.get(LIVE)], [version, 'one', 200])
    c.end()
  }
  // The old client is one that a server of its time would talk to.
  const old = tls.createServer({ cert: readFileSync(shared.one.certificate), key: readFileSync(shared.one.key), minVersion: 'TLSv1', ciphers: 'DEFAULT:@SECLEVEL=0' })
  await once(old.listen(0, '127.0.0.1'), 'listening')
  t.after(() => old.close())
  for (const version of ['TLSv1', 'TLSv1.1']) {
    const ancient = { minVersion: version, maxVersion: version, ciphers: 'DEFAULT:@SECLEVEL=0' }
    const c = await connect(old.address().port, ancient)
    assert.equal(c.protocol, version)
    c.end()
    await assert.rejects(connect(port, ancient), { code: 'ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION' })
  }
  // A PAT sent in clear is not processed: what comes back, if anything, is no HTTP answer.
  const plain = net.connect(port, '127.0.0.1')
  let answer = ''
  plain.on('data', (chunk) => { answer += chunk.toString('latin1') })
  plain.on('error', () => {})
  plain.write('GET /am/uma/realms/root/realms/alpha/resource_set HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer x\r\n\r\n')
  await once(plain, 'close')
  assert.ok(!answer.includes('HTTP/1'), answer)
  assert.ok(!/resource_set/.test(server.log), 'no request was seen')
  assert.equal(await server.stop(), 0)
})

test('SIGHUP: new connections get the new certificate, an open one goes on; a bad file changes nothing', async (t) => {
  const dir = folder(t)
  const { use, config, current, start } = await serveTls(t, dir)
  const server = await start()
  const port = portOf(server)
  const old = await connect(port)
  assert.deepEqual([old.name, await old.get(LIVE)], ['one', 200])

  use(shared.two)
  assert.equal((await connect(port)).name, 'one', 'not before it is told')
  server.child.kill('SIGHUP')
  assert.ok(await server.logged(/read again/), server.log)
  const fresh = await connect(port)
  assert.deepEqual([fresh.name, await fresh.get(LIVE)], ['two', 200])
  assert.equal(await old.get(LIVE), 200, 'the open connection goes on')

  const stillTwo = async (pattern) => {
    server.log = ''
    server.child.kill('SIGHUP')
    assert.ok(await server.logged(pattern), server.log)
    assert.ok(!/read again/.test(server.log))
    assert.equal((await connect(port)).name, 'two')
    assert.equal(await old.get(LIVE), 200)
  }
  writeFileSync(current.certificate, 'no certificate')
  await stillTwo(/kept the old configuration: .*current\.pem/)
  use(shared.two)
  copyFileSync(shared.one.key, current.key)
  await stillTwo(/kept the old configuration: .*current/)
  use(shared.one)
  config('loops: 65\n')
  await stillTwo(/kept the old configuration: .*usher\.yaml:\d+: loops/)

  config('log: { level: warn }\n') // the log level is read again too
  server.log = ''
  server.child.kill('SIGHUP')
  assert.equal(await within(2000, async () => (await connect(port)).name === 'one'), true)
  server.log = ''
  assert.equal(await old.get(LIVE), 200)
  config('loops: 65\n')
  server.child.kill('SIGHUP')
  assert.ok(await server.logged(/kept the old configuration/)) // comes after what the request would have said
  assert.ok(!/health/.test(server.log), 'requests are not logged at this level')
  assert.equal(await server.stop(), 0)
})

test('SIGHUP: a plugin gets its part of the configuration anew; a bad file, or one that it refuses, changes nothing', async (t) => {
  const dir = folder(t)
  const script = file(dir, 'rules.lua', 'function beforeResourceRegistration(r) return veto { message = config.word } end\n')
  const config = (mine, more = '') => file(dir, 'usher.yaml',
    `${LISTEN}store: sqlite:${dir}/usher.db\n${more}plugins:\n  - path: ${path.dirname(realpathSync(BINARY))}/../../plugins/lua/lua.so\n    config: ${mine}\n`)
  assert.equal(await (await Server.demo(t, dir)).stop(), 0) // makes the world
  const server = await Server.launch(t, ['serve', '--config', config(`{ script: ${script}, word: first }`)])
  const pat = await server.pat()
  const says = async (word) => {
    const r = await server.send('POST', `${server.uma}/resource_set`, { name: 'Album', resource_scopes: ['view'] }, pat)
    assert.deepEqual([r.status, r.json.error_description], [403, word])
  }
  const hup = async (pattern) => {
    server.log = ''
    server.child.kill('SIGHUP')
    assert.ok(await server.logged(pattern), server.log)
  }
  await says('first')
  config(`{ script: ${script}, word: second }`)
  await says('first') // not before it is told
  await hup(/plugin.*lua took its configuration anew/)
  await says('second')
  config(`{ script: ${dir}/none.lua, word: third }`)
  await hup(/plugin.*lua goes on as it was: reload returned 2/)
  await says('second')
  config(`{ script: ${script}, word: third }`, 'loops: 65\n')
  await hup(/kept the old configuration: .*loops/)
  await says('second')
  file(dir, 'usher.yaml', `${LISTEN}store: sqlite:${dir}/usher.db\n`) // no longer named: until a restart it goes on with what it has
  await hup(/plugin.*lua took its configuration anew/)
  await says('second')
  assert.equal(await server.stop(), 0)
})

test('a client certificate is asked for when configured, and never demanded', async (t) => {
  const asked = async (more) => {
    const { start } = await serveTls(t, folder(t), more)
    const server = await start()
    const port = portOf(server)
    for (const maxVersion of ['TLSv1.2', 'TLSv1.3']) {
      const without = await connect(port, { maxVersion })
      assert.equal(await without.get(LIVE), 200)
      without.end()
    }
    const r = await run('openssl', ['s_client', '-connect', `127.0.0.1:${port}`, '-cert', shared.client.certificate, '-key', shared.client.key, '-quiet', '-state'],
      { input: `GET ${LIVE} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n` })
    assert.match(r.out, /^HTTP\/1\.1 200 /, r.err)
    assert.equal(await server.stop(), 0)
    return /write client certificate/i.test(r.err) && /certificate request/i.test(r.err)
  }
  assert.equal(await asked(', ask_client_certificate: true'), true)
  assert.equal(await asked(''), false)
})

// --- signals ---

test('a fresh server is alive and ready before its first realm is made', async (t) => {
  const dir = folder(t)
  const server = await Server.launch(t, ['serve', '--config', file(dir, 'usher.yaml', `${LISTEN}store: sqlite:${dir}/usher.db\n`)])
  const status = async (target) => (await server.request('GET', target)).status
  assert.deepEqual([await status(LIVE), await status('/am/json/health/ready')], [200, 200])
  assert.equal(await status('/am/json/realms/root/realms/alpha/health/live'), 404)
  assert.equal(await status('/am/oauth2/connect/jwk_uri'), 404)
  assert.equal((await usher(['realm', 'create', '/', '--store', `sqlite:${dir}/usher.db`])).code, 0)
  assert.ok(await within(1000, async () => (await status('/am/oauth2/connect/jwk_uri')) === 200))
  assert.equal(await server.stop(), 0)
})

test('closed standard streams are not taken for something else', async (t) => {
  const dir = folder(t)
  const probe = net.createServer()
  await once(probe.listen(0, '127.0.0.1'), 'listening')
  const { port } = probe.address()
  probe.close()
  const config = file(dir, 'usher.yaml', `listen:\n  - { address: 127.0.0.1, port: ${port} }\nstore: sqlite:${dir}/usher.db\n`)
  const child = spawn('sh', ['-c', 'exec "$0" serve --config "$1" <&- >&- 2>&-', BINARY, config], { stdio: 'ignore' })
  t.after(() => child.kill('SIGKILL'))
  const ended = once(child, 'exit')
  const isLive = () => new Promise((resolve) => http.get({ host: '127.0.0.1', port, path: LIVE }, (res) => {
    res.resume()
    resolve(res.statusCode === 200)
  }).on('error', () => resolve(false)))
  assert.ok(await within(10000, isLive))
  for (const fd of [0, 1, 2]) assert.equal(readlinkSync(`/proc/${child.pid}/fd/${fd}`), '/dev/null')
  child.kill('SIGTERM')
  assert.deepEqual(await ended, [0, null])
})

test('SIGTERM: requests in flight are answered, the store is closed, exit code 0; the next start goes on', async (t) => {
  const dir = folder(t)
  const server = await Server.demo(t, dir)
  const body = new URLSearchParams({ grant_type: 'password', scope: 'uma_protection', username: 'alice', password: PASSWORD,
    client_id: 'UMA-Resource-Server', client_secret: SECRET }).toString()
  const raw = `POST ${server.oauth}/access_token HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: ${body.length}\r\n\r\n${body}`
  const lanes = await Promise.all(Array.from({ length: 8 }, async () => {
    const lane = { text: '', socket: net.connect(server.port, server.host) }
    lane.socket.on('data', (chunk) => { lane.text += chunk })
    await once(lane.socket, 'connect')
    return lane
  }))
  await server.pat() // the secret is remembered now: what is slow is alice's password
  // The first answer shows that the server has them; the others wait for a worker.
  const first = Promise.race(lanes.map((lane) => once(lane.socket, 'data')))
  for (const lane of lanes) lane.socket.write(raw)
  await first
  const waiting = lanes.filter((lane) => lane.text === '').length
  assert.ok(waiting > 0, 'some were still in flight')
  server.child.kill('SIGTERM')
  await Promise.all(lanes.map((lane) => lane.socket.destroyed || once(lane.socket, 'close')))
  for (const lane of lanes) assert.match(lane.text, /^HTTP\/1\.1 200 .*"access_token"/s)
  assert.equal((await server.exited)[0], 0)
  assert.ok(!existsSync(path.join(dir, 'usher.db-wal')) && !existsSync(path.join(dir, 'usher.db-shm')), 'the store is closed')
  const refused = net.connect(server.port, server.host)
  await assert.rejects(once(refused, 'connect'), { code: 'ECONNREFUSED' })

  const again = await Server.demo(t, dir)
  for (const lane of lanes) {
    const pat = { authorization: `Bearer ${/"access_token":"([^"]+)"/.exec(lane.text)[1]}` }
    assert.equal((await again.request('GET', `${again.uma}/resource_set`, { headers: pat })).status, 200, 'an answered token counts')
  }
  assert.equal(await again.stop(), 0)
})

test('SIGTERM with idle connections and a half-sent request ends within the grace', async (t) => {
  const dir = folder(t)
  const config = file(dir, 'usher.yaml', `${LISTEN}store: sqlite:${dir}/usher.db\nstop_grace_ms: 300\n`)
  const server = await Server.launch(t, ['serve', '--config', config])
  assert.equal((await server.request('GET', LIVE)).status, 200) // stays open, idle
  const half = net.connect(server.port, server.host)
  half.on('error', () => {})
  half.write('POST /am/oauth2/access_token HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n12345')
  await once(half, 'connect')
  const began = performance.now()
  server.child.kill('SIGTERM')
  const [code] = await server.exited
  assert.equal(code, 0)
  assert.ok(performance.now() - began < 5000, `${performance.now() - began} ms`)
})

// --- who is at the other end ---

/* SB-17 */
test('X-Forwarded-For counts from a trusted proxy only', async (t) => {
  const failing = (server, from) => server.form(`${server.oauth}/access_token`, { grant_type: 'password', scope: 'openid',
    username: `nobody-${Math.random()}`, password: 'wrong', client_id: 'UMA-Client', client_secret: SECRET }, { 'x-forwarded-for': from, forwarded: `for=${from}` })
  const dir = folder(t)
  const start = async (more) => {
    const config = file(dir, 'usher.yaml', `${LISTEN}store: sqlite:${dir}/usher.db\n${more}`)
    return Server.launch(t, ['serve', '--config', config])
  }
  assert.equal(await (await Server.demo(t, dir)).stop(), 0) // makes the world
  const settings = await usher(['settings', 'set', '--realm', '/alpha', '--store', `sqlite:${dir}/usher.db`, 'failedPasswordsPerAddress=3'])
  assert.equal(settings.code, 0, settings.err)

  const direct = await start('')
  const seen = []
  for (let i = 1; i <= 4; i++) seen.push((await failing(direct, `192.0.2.${i}`)).status)
  assert.deepEqual(seen, [400, 400, 400, 429], 'a stranger cannot choose another address')
  const forged = { host: 'evil.example', 'x-forwarded-host': 'evil.example', 'x-forwarded-proto': 'https', 'client-cert': ':MIIB:' }
  const metadata = await direct.request('GET', `${direct.oauth}/.well-known/openid-configuration`, { headers: forged })
  assert.equal(metadata.status, 200)
  assert.ok(metadata.json.issuer.startsWith(`${direct.base}/oauth2`) && !metadata.text.includes('evil'), metadata.text)
  assert.ok(!direct.log.includes('192.0.2.'), 'nor the address in the log')
  assert.equal(await direct.stop(), 0)

  const proxied = await start('trusted_proxies: [127.0.0.1]\n')
  for (let i = 1; i <= 4; i++) assert.equal((await failing(proxied, `192.0.2.${i}`)).status, 400)
  for (let i = 1; i <= 2; i++) assert.equal((await failing(proxied, '192.0.2.1')).status, 400)
  assert.equal((await failing(proxied, '192.0.2.1')).status, 429)
  assert.equal((await failing(proxied, '198.51.100.7, 192.0.2.1')).status, 429, 'what stands left of it is only a word')
  assert.equal((await failing(proxied, '192.0.2.2')).status, 400)
  assert.ok(await proxied.logged(/peer=192\.0\.2\.1\b/))
  assert.equal(await proxied.stop(), 0)
})
