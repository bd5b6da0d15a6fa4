// What goes wrong around a server: stores that cannot be used, are locked or full, a process that is killed, somebody who guesses
// passwords. Nothing acknowledged is lost, nothing is half done, and the answer says when to come again.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { chmodSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import http from 'node:http'
import net from 'node:net'
import path from 'node:path'
import { test } from 'node:test'
import { BINARY, PASSWORD, SECRET } from '../net/usher.mjs'
import { album, file, folder, lock, run, Server, sql, usher, within } from './ops.mjs'

// A store with the demo world, closed.
async function world(dir) {
  const r = await usher(['demo', '--walk', '--data', dir])
  assert.equal(r.code, 0, r.out + r.err)
  return path.join(dir, 'usher.db')
}

const LISTEN = 'listen:\n  - { address: 127.0.0.1, port: 0 }\n'

// What both the server and a command say of a store they cannot use.
async function refused(dir, store, pattern) {
  const config = file(dir, 'usher.yaml', `${LISTEN}store: sqlite:${store}\n`)
  for (const args of [['serve', '--config', config], ['user', 'list', '--realm', '/', '--store', `sqlite:${store}`]]) {
    const r = await usher(args)
    assert.deepEqual([args[0], r.code, r.out], [args[0], 1, ''], r.err)
    assert.match(r.err, /^usher: store '[^\n]+\n$/, 'one line')
    assert.match(r.err, pattern)
  }
}

test('a store that cannot be used is refused at start, in one line', async (t) => {
  const dir = folder(t)
  await refused(dir, file(dir, 'text.db', 'This is no database. '.repeat(100)), /is not a database/)
  mkdirSync(path.join(dir, 'folder.db'))
  await refused(dir, path.join(dir, 'folder.db'), /not a regular file/)

  const foreign = path.join(dir, 'foreign.db')
  await sql(foreign, 'CREATE TABLE things (id INTEGER PRIMARY KEY)')
  await refused(dir, foreign, /database of another program/)

  const store = await world(path.join(dir, 'world'))
  const version = Number(/\d+/.exec(await sql(store, 'PRAGMA user_version'))[0])
  await sql(store, `PRAGMA user_version = ${version + 1}`)
  await refused(dir, store, /newer version/)
  await sql(store, `PRAGMA user_version = ${version}`)
  assert.equal((await usher(['user', 'list', '--realm', '/', '--store', store])).code, 0)

  const bytes = readFileSync(store)
  const cut = file(dir, 'cut.db', bytes.subarray(0, 4096 * 3)) // the header promises more pages
  const r = await usher(['realm', 'list', '--store', cut])
  assert.deepEqual([r.code, r.out], [1, ''])
  assert.match(r.err, /^usher: [^\n]+\n$/)

  const config = file(dir, 'usher.yaml', `${LISTEN}store: sqlite:${dir}/none/usher.db\n`)
  const absent = await usher(['serve', '--config', config])
  assert.deepEqual([absent.code, absent.err], [1, `usher: store '${dir}/none/usher.db' cannot be created: No such file or directory\n`])
})

test('a store that may not be read is refused', async (t) => {
  const dir = folder(t)
  const store = await world(path.join(dir, 'world'))
  chmodSync(store, 0)
  rmSync(path.join(dir, 'world/store.key')) // nor its key, which would be told first
  if (process.getuid() !== 0) return refused(dir, store, /Permission denied/)
  // Root may read everything: another user has to try.
  chmodSync(dir, 0o755)
  chmodSync(path.join(dir, 'world'), 0o777)
  const copy = path.join(dir, 'usher')
  writeFileSync(copy, readFileSync(BINARY), { mode: 0o755 })
  const r = await run('setpriv', ['--reuid=65534', '--regid=65534', '--clear-groups', copy, 'realm', 'list', '--store', `sqlite:${store}`])
  assert.equal(r.code, 1)
  assert.match(r.err, /^usher: store '[^\n]+Permission denied\n$/)
})

test('a store locked for longer than two seconds is refused at start', async (t) => {
  const dir = folder(t)
  const store = await world(path.join(dir, 'world'))
  const release = await lock(t, store)
  const config = file(dir, 'usher.yaml', `${LISTEN}store: sqlite:${store}\n`)
  const commands = [['serve', '--config', config], ['settings', 'set', '--realm', '/alpha', 'codeLifetime=60', '--store', store]]
  for (const r of await Promise.all(commands.map((args) => usher(args)))) {
    assert.deepEqual([r.code, r.out], [1, ''], r.err)
    assert.match(r.err, /^usher: [^\n]*(locked|busy)[^\n]*\n$/)
  }
  await release()
  const server = await Server.launch(t, ['serve', '--config', config])
  assert.equal(await server.stop(), 0)
})

test('a command waits for a lock that is short', async (t) => {
  const store = await world(path.join(folder(t), 'world'))
  const release = await lock(t, store)
  const waiting = usher(['settings', 'set', '--realm', '/alpha', 'codeLifetime=60', '--store', store])
  setTimeout(release, 500)
  const r = await waiting
  assert.deepEqual([r.code, r.err], [0, ''])
})

/* HT-24 */
test('a store locked by another process: 503 with Retry-After, nothing half done, the same request succeeds afterwards', async (t) => {
  const dir = folder(t)
  const server = await Server.demo(t, dir)
  const store = path.join(dir, 'usher.db')
  const { pat, id, idToken, ticket } = await album(server)
  const spent = await ticket()
  const token = await server.pat('carol')
  const sso = await server.sso()
  const count = async () => sql(store, 'SELECT (SELECT count(*) FROM resource), (SELECT count(*) FROM rpt), (SELECT count(*) FROM ticket), (SELECT count(*) FROM token), (SELECT count(*) FROM session), (SELECT count(*) FROM policy)')
  const before = await count()
  const release = await lock(t, store)

  const writes = {
    grant: () => server.grant('UMA-Client', spent, idToken),
    password: () => server.form(`${server.oauth}/access_token`, { grant_type: 'password', scope: 'openid', username: 'bob', password: PASSWORD, client_id: 'UMA-Client', client_secret: SECRET }),
    register: () => server.send('POST', `${server.uma}/resource_set`, { resource_scopes: ['view'] }, pat),
    ticket: () => server.send('POST', `${server.uma}/permission_request`, { resource_id: id, resource_scopes: ['view'] }, pat),
    revoke: () => server.form(`${server.oauth}/token/revoke`, { token: token.authorization.slice(7), client_id: 'UMA-Resource-Server', client_secret: SECRET }),
    share: () => server.share(sso, 'alice', id, [{ subject: 'carol', scopes: ['view'] }]),
    login: () => server.send('POST', `${server.json}/authenticate`, {}, { 'x-openam-username': 'alice', 'x-openam-password': PASSWORD }),
  }
  const answers = Promise.all(Object.entries(writes).map(async ([name, write]) => [name, await write()]))
  // Reads go on meanwhile.
  const read = await server.request('GET', `${server.uma}/resource_set/${id}`, { headers: pat })
  assert.equal(read.status, 200)
  for (const [name, r] of await answers) {
    assert.equal(r.status, 503, `${name}: ${r.status} ${r.text}`)
    assert.match(r.headers['retry-after'] ?? '', /^[1-9]\d*$/, name)
    if (['share', 'login'].includes(name)) assert.deepEqual([r.json.code, r.json.reason], [503, 'Service Unavailable'], name)
    else assert.equal(r.json.error, 'temporarily_unavailable', name)
    assert.ok(!/sqlite|usher\.db/i.test(r.text), 'no internals')
  }
  assert.deepEqual([(await server.request('GET', '/am/json/health/live')).status], [200])
  assert.equal(await count(), before, 'nothing was written')
  await release()

  const granted = await writes.grant()
  assert.equal(granted.status, 200, `the ticket was not spent: ${granted.text}`)
  assert.equal((await server.introspect(pat, granted.json.access_token)).json.active, true)
  assert.equal((await server.introspect(pat, token.authorization.slice(7))).json.active, true, 'what was not revoked is alive')
  const again = await Promise.all(Object.entries(writes).filter(([name]) => name !== 'grant').map(async ([name, write]) => [name, (await write()).status]))
  assert.deepEqual(Object.fromEntries(again), { password: 200, register: 201, ticket: 201, revoke: 200, share: 200, login: 200 })
  assert.equal((await server.introspect(pat, token.authorization.slice(7))).json.active, false)
  assert.equal(await server.stop(), 0)
})

/* TR-07 */
test('what is revoked or withdrawn stays so after kill -9', async (t) => {
  const dir = folder(t)
  const server = await Server.demo(t, dir)
  const { pat, id, idToken, ticket } = await album(server)
  const rpt = (await server.grant('UMA-Client', await ticket(), idToken)).json.access_token
  const revoked = (await server.token('carol', 'UMA-Client', 'openid')).access_token
  const kept = (await server.token('carol', 'UMA-Client', 'openid')).access_token
  const other = (await server.grant('UMA-Client', await ticket(), idToken)).json.access_token
  const client = { client_id: 'UMA-Client', client_secret: SECRET }
  const isActive = async (to, token) => (await to.form(`${to.oauth}/introspect`, { token, ...client })).json.active
  assert.deepEqual([await isActive(server, revoked), await isActive(server, kept)], [true, true])
  assert.equal((await server.introspect(pat, rpt)).json.active, true)

  const revoke = (token) => server.form(`${server.oauth}/token/revoke`, { token, ...client })
  assert.deepEqual([(await revoke(revoked)).status, (await revoke(rpt)).status], [200, 200])
  assert.deepEqual([await isActive(server, revoked), (await server.introspect(pat, rpt)).json.active], [false, false], 'at once')
  assert.equal((await server.introspect(pat, other)).json.active, true)
  await server.kill()

  const again = await Server.demo(t, dir)
  assert.deepEqual([await isActive(again, revoked), await isActive(again, kept)], [false, true])
  assert.equal((await again.introspect(pat, rpt)).json.active, false)
  assert.equal((await again.introspect(pat, other)).json.active, true)
  const withdrawn = await again.request('DELETE', `${again.json}/users/alice/uma/policies/${id}`, { headers: await again.sso() })
  assert.equal(withdrawn.status, 200, withdrawn.text)
  await again.kill()

  const third = await Server.demo(t, dir)
  assert.equal((await third.introspect(pat, other)).json.active, false)
  assert.equal(await third.stop(), 0)
})

// --- no room ---

// Fills the store until it answers 503; what was acknowledged must be there after a restart.
async function fill(t, dir, launch, makeRoom) {
  const server = await launch()
  const { pat, id, ticket } = await album(server)
  const unspent = await ticket()
  const filler = { resource_scopes: ['view'], description: 'x'.repeat(2000) }
  const made = [id]
  let full
  for (let i = 0; i < 2000 && !full; i++) {
    const r = await server.send('POST', `${server.uma}/resource_set`, filler, pat)
    if (r.status === 201) made.push(r.json._id)
    else full = r
  }
  assert.ok(full, 'the store never got full')
  assert.deepEqual([full.status, full.json.error], [503, 'temporarily_unavailable'], full.text)
  assert.match(full.headers['retry-after'] ?? '', /^[1-9]\d*$/)
  assert.ok(made.length > 5)
  const refusals = await Promise.all([1, 2, 3, 4].map(() => server.send('POST', `${server.uma}/resource_set`, filler, pat)))
  for (const r of refusals) {
    if (r.status === 201) made.push(r.json._id)
    else assert.deepEqual([r.status, r.json.error], [503, 'temporarily_unavailable'])
  }
  const listed = await server.request('GET', `${server.uma}/resource_set`, { headers: pat })
  assert.equal(listed.status, 200, 'reads go on')
  assert.deepEqual([...listed.json].sort(), [...made].sort())
  assert.equal((await server.request('GET', '/am/json/health/live')).status, 200)
  assert.equal(await server.stop(), 0)

  await makeRoom()
  const again = await Server.demo(t, dir)
  const after = await again.request('GET', `${again.uma}/resource_set`, { headers: pat })
  assert.deepEqual([...after.json].sort(), [...made].sort(), 'all that was acknowledged and no more')
  const fresh = (await again.token('bob', 'UMA-Client', 'openid')).id_token // another port is another issuer
  const granted = await again.grant('UMA-Client', unspent, fresh)
  assert.equal(granted.status, 200, granted.text)
  assert.equal((await again.send('POST', `${again.uma}/resource_set`, filler, pat)).status, 201)
  assert.equal(await again.stop(), 0)
}

/* HT-24 */
test('files that may not grow: writes are 503, reads go on, nothing acknowledged is lost', async (t) => {
  const dir = path.join(folder(t), 'world')
  const store = await world(dir)
  // Twice the size of what is there, in the shell's blocks of 512 bytes; the signal ignored, so that writing fails.
  const blocks = Math.ceil(statSync(store).size * 2 / 512)
  const wrapper = ['sh', '-c', `trap '' XFSZ; ulimit -f ${blocks}; exec "$0" "$@"`]
  await fill(t, dir, () => Server.demo(t, dir, [], { wrapper }), () => {})
})

/* HT-24 */
test('a full disk: writes are 503, reads go on, nothing acknowledged is lost', async (t) => {
  const disk = folder(t)
  const mounted = process.getuid() === 0 && (await run('mount', ['-t', 'tmpfs', '-o', 'size=2m', 'usher-test', disk])).code === 0
  if (!mounted) return t.skip('only root can mount a small disk')
  try {
    const dir = path.join(disk, 'world')
    await fill(t, dir, () => Server.demo(t, dir), async () => {
      const r = await run('mount', ['-o', 'remount,size=64m', disk])
      assert.equal(r.code, 0, r.err)
    })
  } finally {
    const r = await run('umount', ['-l', disk])
    assert.equal(r.code, 0, r.err)
  }
})

// --- open files ---

// Opens connections to a server; those that it closes again are no error.
async function crowd(t, server, count) {
  const sockets = Array.from({ length: count }, () => net.connect({ host: server.host, port: server.port }))
  for (const socket of sockets) socket.on('error', () => {})
  t.after(() => sockets.forEach((socket) => socket.destroy()))
  await Promise.all(sockets.map((socket) => Promise.race([once(socket, 'connect'), once(socket, 'close')])))
  return sockets
}

test('strangers who hold connections cannot take the files that the store needs', async (t) => {
  const dir = folder(t)
  const server = await Server.demo(t, dir, [], { wrapper: ['sh', '-c', 'ulimit -n 128; exec "$0" "$@"'] })
  assert.ok(await server.logged(/level=warn event=limits msg="http\.connections is 10000, but only \d+ fit into the limit of open files \(128\)"/))
  const pat = await server.pat()
  const sockets = await crowd(t, server, 300)
  const write = () => server.send('POST', `${server.uma}/resource_set`, { resource_scopes: ['view'] }, pat)
  for (let i = 0; i < 20; i++) assert.equal((await write()).status, 201, 'the connection that was there goes on')
  assert.ok(await within(5000, () => readdirSync(`/proc/${server.child.pid}/fd`).length <= 128 - 32), 'files are left')
  assert.equal((await usher(['user', 'list', '--realm', '/alpha', '--store', `sqlite:${dir}/usher.db`])).code, 0)
  assert.ok(!/level=error/.test(server.log), server.log)
  for (const socket of sockets) socket.destroy()
  server.agent.destroy()
  server.agent = new http.Agent({ keepAlive: true })
  assert.ok(await within(2000, async () => { try { return (await write()).status === 201 } catch { return false } }), 'there is room again')
  assert.equal(await server.stop(), 0)
})

test('the soft limit of open files is raised as far as it may be', async (t) => {
  const server = await Server.demo(t, folder(t), [], { wrapper: ['sh', '-c', 'ulimit -S -n 64; exec "$0" "$@"'] })
  const limits = readFileSync(`/proc/${server.child.pid}/limits`, 'utf8')
  const [, soft, hard] = /^Max open files +(\d+) +(\d+)/m.exec(limits)
  assert.equal(soft, hard)
  assert.equal(await server.stop(), 0)
})

// --- guesses ---

test('ten wrong passwords, then 429 until the window has passed; other accounts are not affected', async (t) => {
  const dir = folder(t)
  const server = await Server.demo(t, dir)
  const set = await usher(['settings', 'set', '--realm', '/alpha', '--store', `sqlite:${dir}/usher.db`, 'failedPasswordsWindow=5', 'accessTokenLifetime=77'])
  assert.equal(set.code, 0, set.err)
  assert.ok(await within(1000, async () => (await server.token('bob', 'UMA-Client', 'openid')).expires_in === 77)) // it knows
  const password = (user, word) => server.form(`${server.oauth}/access_token`, { grant_type: 'password', scope: 'openid',
    username: user, password: word, client_id: 'UMA-Client', client_secret: SECRET })
  const login = (user, word) => server.send('POST', `${server.json}/authenticate`, {}, { 'x-openam-username': user, 'x-openam-password': word })
  for (let i = 0; i < 10; i++) {
    const r = i % 2 === 0 ? await password('alice', 'wrong') : await login('ALICE', 'wrong') // counted together
    assert.equal(r.status, i % 2 === 0 ? 400 : 401, `${i}: ${r.text}`)
  }
  for (const word of ['wrong', PASSWORD]) {
    const slow = await password('alice', word)
    assert.deepEqual([slow.status, slow.json.error], [429, 'slow_down'])
    assert.ok(Number(slow.headers['retry-after']) >= 1 && Number(slow.headers['retry-after']) <= 5)
    const rest = await login('alice', word)
    assert.deepEqual([rest.status, rest.json.code, rest.json.reason], [429, 429, 'Too Many Requests'])
    assert.ok(Number(rest.headers['retry-after']) >= 1)
  }
  assert.deepEqual([(await password('bob', PASSWORD)).status, (await login('carol', PASSWORD)).status], [200, 200])
  const wait = Number((await password('alice', PASSWORD)).headers['retry-after'])
  assert.ok(wait <= 5, `the window is five seconds: ${wait}`)
  const began = performance.now()
  assert.ok(await within(wait * 1000 + 1000, async () => (await password('alice', PASSWORD)).status === 200))
  assert.ok(performance.now() - began > (wait - 2) * 1000)
  assert.equal(await server.stop(), 0)
})
