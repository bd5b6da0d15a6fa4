// What a scrape shows: requests by route, what was refused at the edge, plugins and their processes, the outbox; and that it is well-formed.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { chmodSync, realpathSync } from 'node:fs'
import net from 'node:net'
import path from 'node:path'
import { before, test } from 'node:test'
import { BINARY } from '../net/usher.mjs'
import { demoWorld, file, run, Server, within } from './ops.mjs'

const PLUGINS = path.join(path.dirname(realpathSync(BINARY)), '../../plugins')
const RS = 'UMA-Resource-Server'
const A_MOMENT = 10000

let copyOfWorld
before(async () => { copyOfWorld = await demoWorld() })

async function serve(t, more) {
  const dir = copyOfWorld(t)
  const config = file(dir, 'usher.yaml',
    `listen:\n  - { address: 127.0.0.1, port: 0 }\nstore: sqlite:${dir}/usher.db\nmetrics: { port: 0 }\n${more(dir)}`)
  return Server.launch(t, ['serve', '--config', config])
}

async function register(server, name) {
  const pat = await server.pat('alice', RS)
  return server.send('POST', `${server.uma}/resource_set`, { name, resource_scopes: ['view', 'edit'] }, pat)
}

async function scrape(server, method = 'GET', target = '/metrics') {
  await server.logged(/event=metrics/)
  const { port } = new URL(/event=metrics msg="?(http:[^"\s]+)/.exec(server.log)[1])
  const r = await fetch(`http://127.0.0.1:${port}${target}`, { method })
  const text = await r.text()
  // undefined: there is no such sample
  const value = (name) => {
    const line = text.split('\n').find((l) => l.startsWith(`${name} `))
    return line === undefined ? undefined : Number(line.slice(name.length + 1))
  }
  return { status: r.status, type: r.headers.get('content-type'), allow: r.headers.get('allow'), text, value }
}

// Every sample has a type that was said before it, and is told once; a histogram grows to its count.
function check(text) {
  const seen = new Set(), types = new Map()
  let before = 0
  for (const line of text.trimEnd().split('\n')) {
    const type = /^# TYPE (\S+) (counter|gauge|histogram)$/.exec(line)
    if (type) {
      assert.ok(!types.has(type[1]), line)
      types.set(type[1], type[2])
    }
    if (line.startsWith('#')) continue
    const [, name, sample, number] = /^(([a-z_]+)(?:\{[a-z]+="[^"\\]*"(?:,[a-z]+="[^"\\]*")*\})?) ([0-9.]+)$/.exec(line)
    const part = /_(bucket|sum|count)$/.exec(sample)?.[1]
    const family = part && !types.has(sample) ? sample.slice(0, -part.length - 1) : sample
    assert.ok(types.has(family), line)
    assert.ok(!seen.has(name), line)
    assert.equal(types.get(family) === 'counter', sample.endsWith('_total'), line)
    assert.equal(types.get(family) === 'histogram', family !== sample, line)
    if (part === 'bucket') {
      before = name.includes('le="0.0005"') ? 0 : before
      assert.ok(Number(number) >= before, line)
      before = Number(number)
    }
    if (part === 'count') assert.equal(Number(number), before, line)
    seen.add(name)
  }
}

test('requests are counted by route, status and duration', async (t) => {
  const server = await serve(t, () => '')
  assert.equal((await register(server, 'a')).status, 201)
  assert.equal((await register(server, 'a')).status, 400) // the name is taken
  assert.equal((await fetch(`${server.base}/nowhere`)).status, 404)
  assert.equal((await fetch(`${server.base}/json/health/live`)).status, 200)
  const page = await scrape(server)
  assert.deepEqual([page.status, page.type], [200, 'text/plain; version=0.0.4; charset=utf-8'])
  const answers = (route, status) => page.value(`usher_http_answers_total{route="${route}",status="${status}"}`)
  assert.equal(answers('uma.resource_set.create', 201), 1)
  assert.equal(answers('uma.resource_set.create', 400), 1)
  assert.equal(answers('none', 404), 1)
  assert.equal(answers('uma.resource_set.create', 500), undefined) // what has not been answered is not shown
  assert.equal(page.value('usher_http_answer_seconds_count{route="uma.resource_set.create"}'), 2)
  assert.equal(page.value('usher_http_answer_seconds_bucket{route="uma.resource_set.create",le="+Inf"}'), 2)
  assert.ok(page.value('usher_http_answer_seconds_sum{route="uma.resource_set.create"}') > 0)
  assert.equal(page.value('usher_http_answer_seconds_count{route="oauth.revoke"}'), undefined)
  assert.ok(page.value('usher_writer_steps_total') > 0 && page.value('process_resident_memory_bytes') > 1e6)
  const age = Date.now() / 1000 - page.value('process_start_time_seconds')
  assert.ok(age >= 0 && age < 600, String(age))
  check(page.text)
  assert.equal((await scrape(server, 'GET', '/am/json/health/live')).status, 404)
  const posted = await scrape(server, 'POST')
  assert.deepEqual([posted.status, posted.allow], [405, 'GET'])
})

// Sends bytes and waits until the server has closed the connection.
async function speak(server, bytes) {
  const { port, hostname } = new URL(server.base)
  const socket = net.connect(Number(port), hostname)
  let said = ''
  socket.on('data', (data) => { said += data })
  socket.on('error', () => {})
  await once(socket, 'connect')
  if (bytes) socket.write(bytes)
  await once(socket, 'close')
  return said
}

test('what the edge refuses is told apart: requests, and connections', async (t) => {
  const server = await serve(t, () => 'http: { connections: 3 }\n')
  assert.match(await speak(server, 'GET /am HTTP/1.1\r\nHost: a\r\nbad header\r\n\r\n'), /^HTTP\/1.1 400/)
  assert.match(await speak(server, `GET /${'a'.repeat(20000)} HTTP/1.1\r\nHost: a\r\n\r\n`), /^HTTP\/1.1 414/)
  const before_ = await scrape(server)
  assert.equal(before_.value('usher_http_requests_refused_total'), 2)
  assert.equal(before_.value('usher_http_connections_refused_total'), 0)
  const { port, hostname } = new URL(server.base)
  const held = []
  // The first of them may be refused in the place of one that the server has not taken away yet: one more for each try.
  const isFull = async () => {
    held.push(net.connect(Number(port), hostname))
    held.at(-1).on('error', () => {})
    await once(held.at(-1), 'connect')
    return /^HTTP\/1.1 503/.test(await speak(server, 'GET /am/json/health/live HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n'))
  }
  assert.ok(await within(A_MOMENT, isFull))
  const after = await scrape(server)
  assert.ok(after.value('usher_http_connections_refused_total') >= 1)
  assert.equal(after.value('usher_http_requests_refused_total'), 2)
  held.forEach((socket) => socket.destroy())
})

test('each method of each plugin, and the process of one that has its own', async (t) => {
  const server = await serve(t, (dir) => {
    chmodSync(file(dir, 'rules.lua',
      "function beforeResourceRegistration(r) if r.name == 'no' then return veto{} elseif r.name == 'bad' then error('x') end end"), 0o600)
    return `plugins:\n  - { path: ${PLUGINS}/lua/lua.so, config: { script: ${dir}/rules.lua } }\n  - { path: ${PLUGINS}/naming.so, process: true }\n`
  })
  for (const [name, status] of [['a', 201], ['no', 403], ['no', 403], ['bad', 500]]) assert.equal((await register(server, name)).status, status)
  const page = await scrape(server)
  const method = '{plugin="lua",method="beforeResourceRegistration"}'
  assert.equal(page.value(`usher_plugin_calls_total${method}`), 4)
  assert.equal(page.value(`usher_plugin_vetoes_total${method}`), 2)
  assert.equal(page.value(`usher_plugin_failures_total${method}`), 1)
  assert.ok(page.value(`usher_plugin_seconds_total${method}`) > 0)
  assert.equal(page.value('usher_http_answers_total{route="uma.resource_set.create",status="500"}'), 1)
  assert.equal(page.value('usher_plugin_process_up{plugin="naming"}'), 1)
  assert.equal(page.value('usher_plugin_process_starts_total{plugin="naming"}'), 1)
  assert.equal(page.value('usher_plugin_process_up{plugin="lua"}'), undefined)
  check(page.text)
  const [child] = (await run('pgrep', ['-P', String(server.child.pid)])).out.split('\n').filter(Boolean).map(Number)
  process.kill(child, 'SIGKILL')
  assert.ok(await within(A_MOMENT, async () => {
    const now = await scrape(server)
    return now.value('usher_plugin_process_starts_total{plugin="naming"}') === 2 && now.value('usher_plugin_process_up{plugin="naming"}') === 1
  }))
})
