// Plugins from outside: files that people build, configurations that name them, events that arrive whatever happens, scripts that are
// read anew, and a process that is killed.
import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { once } from 'node:events'
import { chmodSync, readFileSync, realpathSync, writeFileSync } from 'node:fs'
import https from 'node:https'
import path from 'node:path'
import { before, test } from 'node:test'
import { BINARY, ROOT } from '../net/usher.mjs'
import { certificate, demoWorld, file, folder, run, Server, usher, within } from './ops.mjs'

const PLUGINS = path.join(path.dirname(realpathSync(BINARY)), '../../plugins')
const RS = 'UMA-Resource-Server'
const SECRET = '0123456789abcdef0123456789abcdef'
const A_MOMENT = 10000

let copyOfWorld
before(async () => { copyOfWorld = await demoWorld() })

// A folder with a copy of the world; start(plugins) serves it.
async function place(t) {
  const dir = copyOfWorld(t)
  const config = (plugins) => file(dir, 'usher.yaml',
    `listen:\n  - { address: 127.0.0.1, port: 0 }\nstore: sqlite:${dir}/usher.db\nplugins:\n${plugins}`)
  return { dir, config, start: (plugins, options) => Server.launch(t, ['serve', '--config', config(plugins)], options) }
}

async function register(server, name) {
  const pat = await server.pat('alice', RS)
  return server.send('POST', `${server.uma}/resource_set`, { name, resource_scopes: ['view', 'edit'] }, pat)
}
async function share(server, id, subject = 'bob') {
  return server.send('PUT', `${server.json}/users/alice/uma/policies/${id}`,
    { policyId: id, permissions: [{ subject, scopes: ['view'] }] }, await server.sso())
}

// The example of the header's own comment: what people see first must build as it says.
function example() {
  const text = readFileSync(path.join(ROOT, 'include/usher/plugin.h'), 'utf8')
  const lines = text.slice(text.indexOf('#include <string.h>'), text.indexOf('* Build it, look at it'))
  return lines.split('\n').map((line) => line.replace(/^ \*( {3})?/, '')).join('\n')
}

test('the example of the header is built and loaded', async (t) => {
  const { dir, config, start } = await place(t)
  const source = file(dir, 'no-secrets.c', example())
  const so = path.join(dir, 'no-secrets.so')
  const flags = ['-shared', '-fPIC', '-Wall', '-Wextra', '-Werror', '-I', path.join(ROOT, 'include')]
  const built = await run('cc', [...flags, '-o', so, source], { timeout: 60000 })
  assert.deepEqual([built.code, built.err], [0, ''])
  chmodSync(so, 0o755)
  const listed = await usher(['plugin', 'list', '--json', '--config', config('  - { path: no-secrets.so, priority: 3 }\n')])
  assert.deepEqual(JSON.parse(listed.out).map((p) => [p.name, p.version, p.priority]), [['no-secrets', '1.0', 3]])
  const server = await start('  - { path: no-secrets.so }\n')
  assert.equal((await register(server, 'album')).status, 201)
  const refused = await register(server, 'my secret album')
  assert.deepEqual([refused.status, refused.json], [403, { error: 'access_denied', error_description: 'That name is not allowed here' }])
})

test('what is wrong with a file stops the start with one sentence, and `plugin check` says the same', async (t) => {
  const { dir, config } = await place(t)
  const so = path.join(dir, 'open.so')
  writeFileSync(so, readFileSync(path.join(PLUGINS, 'naming.so')))
  chmodSync(so, 0o777)
  const sentence = /^usher: plugin \S+\/open\.so: may be written by others than its owner; chmod go-w it\n$/
  const serve = await usher(['serve', '--config', config('  - { path: open.so }\n')])
  const checkOfAll = await usher(['serve', '--check', '--config', config('  - { path: open.so }\n')])
  const check = await usher(['plugin', 'check', so])
  for (const r of [serve, checkOfAll, check]) {
    assert.equal(r.code, 1)
    assert.match(r.err.split('\n').filter((line) => !line.startsWith('time=')).join('\n'), sentence)
  }
  const unknown = await usher(['serve', '--config', config('  - { path: open.so, priorty: 1 }\n')])
  assert.match(unknown.err, /priorty/)
  for (const args of [[], ['list'], ['check'], ['check', so, so], ['frobnicate']])
    assert.equal((await usher(['plugin', ...args])).code, 2)
})

// An HTTPS endpoint that answers as told, and keeps what came and was rightly signed.
async function endpoint(t, dir, port = 0) {
  const made = await certificate(dir, 'hooks')
  const self = { status: 200, got: [], tries: 0, connections: 0, ca: made.certificate }
  const server = https.createServer({ cert: readFileSync(made.certificate), key: readFileSync(made.key) }, async (request, response) => {
    let body = ''
    for await (const chunk of request) body += chunk
    const [, stamp, mac] = /^t=(\d+),v1=([0-9a-f]{64})$/.exec(request.headers['x-usher-signature']) ?? []
    assert.equal(mac, createHmac('sha256', SECRET).update(`${stamp}.${body}`).digest('hex'))
    assert.ok(Math.abs(Number(stamp) - Date.now() / 1000) < 60)
    self.tries++
    if (self.status === 200) self.got.push(JSON.parse(body))
    response.writeHead(self.status).end('{"allow":true}') // to a decision; nobody reads it of an event
  })
  server.on('secureConnection', () => { self.connections++ })
  await once(server.listen(port, '127.0.0.1'), 'listening')
  t.after(() => server.close())
  return Object.assign(self, { hangUp: () => server.closeAllConnections(), url: `https://127.0.0.1:${server.address().port}/hook` })
}

const webhook = (dir, hooks, more = '') => {
  const secret = file(dir, 'webhook.secret', `${SECRET}\n`)
  chmodSync(secret, 0o600)
  return `  - path: ${PLUGINS}/webhook/webhook.so\n    config:\n      url: ${hooks.url}\n      secret_file: ${secret}\n      ca_file: ${hooks.ca}\n`
    + `      events: [afterResourceRegistration, afterResourceShared]\n${more}`
}

test('events arrive signed, are tried again until they are taken, and outlive a kill', async (t) => {
  const { dir, start } = await place(t)
  const hooks = await endpoint(t, dir)
  let server = await start(webhook(dir, hooks))
  const album = (await register(server, 'album')).json._id
  assert.equal((await share(server, album)).status, 201)
  await within(A_MOMENT, () => hooks.got.length >= 2)
  assert.deepEqual(hooks.got.map((e) => [e.event, e.realm]), [['afterResourceRegistration', '/alpha'], ['afterResourceShared', '/alpha']])
  assert.equal(hooks.got[0].resource.name, 'album')
  assert.deepEqual(hooks.got[1].policy.permissions, [{ subject: 'bob', scopes: ['view'] }])

  hooks.status = 503
  const tries = hooks.tries
  const photo = (await register(server, 'photo')).json._id
  await within(A_MOMENT, () => hooks.tries > tries)
  server.child.kill('SIGKILL')
  await server.exited
  hooks.status = 200
  server = await start(webhook(dir, hooks))
  const event = await within(90000, () => hooks.got.find((e) => e.resource?._id === photo))
  assert.equal(event.event, 'afterResourceRegistration')
  const ids = new Set(hooks.got.map((e) => e.id))
  assert.equal(ids.size, 3)
})

test('a connection to an endpoint is kept, and one that the endpoint ended holds no event up', async (t) => {
  const { dir, start } = await place(t)
  const hooks = await endpoint(t, dir)
  const server = await start(webhook(dir, hooks))
  for (const name of ['a', 'b', 'c']) await register(server, name)
  await within(A_MOMENT, () => hooks.got.length >= 3)
  assert.deepEqual([hooks.got.map((e) => e.resource.name).sort(), hooks.connections], [['a', 'b', 'c'], 1])
  hooks.hangUp()
  await register(server, 'd')
  await within(A_MOMENT, () => hooks.got.length >= 4)
  assert.deepEqual([hooks.got.at(-1).resource.name, hooks.tries, hooks.connections], ['d', 4, 2])
  assert.doesNotMatch(server.log, /event_later/)
})

test('decisions that are asked at once', async (t) => {
  const { dir, start } = await place(t)
  const hooks = await endpoint(t, dir)
  const server = await start(webhook(dir, hooks, '      decisions: [beforeResourceShared]\n'))
  const album = (await register(server, 'album')).json._id
  const shared = await Promise.all(Array.from({ length: 40 }, async (_, i) => {
    const { json } = await register(server, `photo ${i}`)
    return share(server, json._id)
  }))
  assert.deepEqual(shared.map((r) => r.status), Array(40).fill(201))
  assert.equal((await share(server, album)).status, 201)
  const asked = () => hooks.got.filter((e) => e.decision === 'beforeResourceShared').map((e) => e.policy.policyId)
  assert.equal(new Set(asked()).size, 41)
  await within(A_MOMENT, () => hooks.got.length >= asked().length + 82)
  assert.equal(hooks.got.filter((e) => e.event).length, 82)
  assert.ok(hooks.connections < 41, String(hooks.connections))
})

test('an endpoint with a certificate that nobody vouches for gets nothing', async (t) => {
  const { dir, start } = await place(t)
  const hooks = await endpoint(t, dir)
  const other = await certificate(dir, 'other')
  const server = await start(webhook(dir, { ...hooks, ca: other.certificate }))
  await register(server, 'album')
  assert.ok(await server.logged(/event=event_later.*plugin=webhook/, A_MOMENT))
  assert.equal(hooks.tries, 0)
})

test('SIGHUP reads a script anew; one that is wrong leaves the old one in force', async (t) => {
  const { dir, start } = await place(t)
  const script = (text) => chmodSync(file(dir, 'rules.lua', text), 0o600)
  script("function beforeResourceRegistration(r) return veto{message='first'} end")
  const server = await start(`  - path: ${PLUGINS}/lua/lua.so\n    config: { script: ${dir}/rules.lua }\n`)
  const said = async () => (await register(server, 'album')).json.error_description
  assert.equal(await said(), 'first')
  script('function (')
  server.child.kill('SIGHUP')
  assert.ok(await server.logged(/lua goes on as it was/, A_MOMENT))
  assert.equal(await said(), 'first')
  script("function beforeResourceRegistration(r) return veto{message='second'} end")
  server.child.kill('SIGHUP')
  assert.ok(await server.logged(/lua took its configuration anew/, A_MOMENT))
  assert.equal(await said(), 'second')
})

test('a plugin process that is killed is started anew, and ends with the server', async (t) => {
  const { start } = await place(t)
  const server = await start(`  - { path: ${PLUGINS}/naming.so, process: true }\n`)
  const children = async () => (await run('pgrep', ['-P', String(server.child.pid)])).out.split('\n').filter(Boolean).map(Number)
  assert.equal((await register(server, ' a  b ')).status, 201)
  const [child] = await children()
  process.kill(child, 'SIGKILL')
  assert.ok(await server.logged(/naming: its process ended \(signal 9\); it is started anew in 100 ms/, A_MOMENT))
  assert.equal((await register(server, 'c')).status, 201) // it waited
  const [next] = await children()
  assert.notEqual(next, child)
  assert.equal(server.log.match(/its process was started anew/g)?.length, 1)
  await server.stop()
  assert.ok(await within(A_MOMENT, () => { try { process.kill(next, 0) } catch { return true } }))
})

test('what the guide builds is what it says', async (t) => {
  const { dir, start } = await place(t)
  const guide = readFileSync(path.join(ROOT, 'docs/plugin-guide.md'), 'utf8')
  const source = file(dir, 'trim.c', /```c\n([^]*?)```/.exec(guide)[1])
  const built = await run('cc', ['-shared', '-fPIC', '-Wall', '-Wextra', '-Werror', '-I', path.join(ROOT, 'include'), '-o', path.join(dir, 'trim.so'), source], { timeout: 60000 })
  assert.deepEqual([built.code, built.err], [0, ''])
  chmodSync(path.join(dir, 'trim.so'), 0o755)
  const server = await start('  - path: trim.so\n')
  const r = await register(server, '  album ')
  const read = await server.send('GET', `${server.uma}/resource_set/${r.json._id}`, undefined, await server.pat('alice', RS))
  assert.equal(read.json.name, 'album')
})
