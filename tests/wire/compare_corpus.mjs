// The doubtful requests of corpus.txt, sent to Usher's HTTP edge, to Debian's nginx and to Node's own server: how each frames
// them. The corpus says what each answers; where nginx or Node differ from Usher it must also say why. TAP lines, and
// `N passed, N failed` at the end. Only Node's own modules.
//
//   node tests/wire/compare_corpus.mjs [--show]     --show prints what each server answered, for writing the corpus
//
// Usher is tests/wire/echo_server of a build (the newest, or $ECHO_SERVER). nginx is left out, and said so, where it is
// not installed.
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import fs from 'node:fs'
import http from 'node:http'
import net from 'node:net'
import os from 'node:os'
import path from 'node:path'
import readline from 'node:readline'
import { fileURLToPath } from 'node:url'

const HERE = path.dirname(fileURLToPath(import.meta.url))
const ROOT = path.resolve(HERE, '../..')
const SERVERS = ['usher', 'nginx', 'node']
const QUIET_MS = 1500 // a server that has not closed after so long without a word keeps the connection open
const AT_ONCE = 16
const NODE_IS_OLD = Number(process.versions.node.split('.')[0]) < 20 // Debian 12 has 18, with an older parser

// The corpus.

function bytesOf(text) {
  const letters = { r: '\r', n: '\n', t: '\t', '\\': '\\' }
  return text.replace(/\\x([0-9A-Fa-f]{2})|\\([rnt\\])|\{(.)\*(\d+)\}/g, (all, hex, letter, char, times) =>
    hex ? String.fromCharCode(parseInt(hex, 16)) : letter ? letters[letter] : char.repeat(Number(times)))
}

function readCorpus(file) {
  const cases = []
  for (const line of fs.readFileSync(file, 'utf8').split('\n')) {
    const current = cases.at(-1)
    const name = /^\[(.+)\]$/.exec(line)
    const said = /^(usher|nginx|node|node18|why)\s+(.+)$/.exec(line)
    if (name) cases.push({ name: name[1], bytes: '' })
    else if (line.startsWith('> ')) current.bytes += bytesOf(line.slice(2))
    else if (said) current[said[1]] = current[said[1]] ? `${current[said[1]]} ${said[2]}` : said[2]
    else if (line && !line.startsWith('#')) throw new Error(`corpus.txt: cannot read '${line}'`)
  }
  return cases
}

// Sending, and reading how it was framed.

// The statuses of the answers in order. Bodies are told apart by their length, so that one that looks like an answer is none.
function statusesOf(text) {
  const statuses = []
  while (text) {
    const head = /^HTTP\/1\.[01] (\d{3})[\s\S]*?\r\n\r\n/.exec(text)
    if (!head) return [...statuses, 'garbage']
    text = text.slice(head[0].length)
    const length = /^content-length: (\d+)/im.exec(head[0])
    if (length) text = text.slice(Number(length[1]))
    else if (/^transfer-encoding: chunked/im.test(head[0])) text = text.slice(text.indexOf('0\r\n\r\n') + 5)
    else if (/^connection: close/im.test(head[0])) text = ''
    if (head[1] !== '100') statuses.push(head[1])
  }
  return statuses
}

function send(port, bytes) {
  return new Promise((resolve) => {
    let text = ''
    let isDone = false
    const socket = net.connect(port, '127.0.0.1')
    const finish = (end) => {
      if (isDone) return
      isDone = true
      socket.destroy()
      resolve([...statusesOf(text), end].join(' '))
    }
    socket.setTimeout(QUIET_MS, () => finish('open'))
    socket.on('data', (data) => { text += data.toString('latin1') })
    socket.on('end', () => finish('close'))
    socket.on('error', () => finish('close'))
    socket.on('connect', () => socket.write(Buffer.from(bytes, 'latin1')))
  })
}

async function sendAll(port, cases) {
  const results = new Map()
  const waiting = [...cases]
  const worker = async () => {
    for (let c = waiting.shift(); c; c = waiting.shift()) results.set(c.name, await send(port, c.bytes))
  }
  await Promise.all(Array.from({ length: AT_ONCE }, worker))
  return results
}

// The servers: each resolves to { port, stop }.

function newestEchoServer() {
  const builds = path.join(ROOT, 'build')
  const found = (fs.existsSync(builds) ? fs.readdirSync(builds) : [])
    .map((kind) => path.join(builds, kind, 'tests/wire/echo_server'))
    .filter((file) => fs.existsSync(file))
    .sort((a, b) => fs.statSync(b).mtimeMs - fs.statSync(a).mtimeMs)
  return process.env.ECHO_SERVER ?? found[0]
}

async function startUsher() {
  const binary = newestEchoServer()
  if (!binary) throw new Error('there is no tests/wire/echo_server below build/: tools/build san')
  const child = spawn(binary, { stdio: ['pipe', 'pipe', 'inherit'] })
  const [line] = await once(readline.createInterface({ input: child.stdout }), 'line')
  const stop = async () => {
    const exited = once(child, 'exit')
    child.stdin.end()
    const [code] = await exited
    if (code !== 0) throw new Error(`echo_server ended with ${code}`)
  }
  return { port: Number(line), stop }
}

async function freePort() {
  const server = net.createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address()
  server.close()
  await once(server, 'close')
  return port
}

const nginxBinary = () => ['/usr/sbin/nginx', '/usr/bin/nginx', '/usr/local/sbin/nginx'].find((file) => fs.existsSync(file))

// Bodies are read by a second server block behind a proxy, because `return` answers without looking at the body.
function nginxConfiguration(folder, port, inner) {
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((name) => `${name}_temp_path ${folder}/${name};`)
  return `daemon off; master_process off; pid ${folder}/pid; error_log ${folder}/error.log;
events { worker_connections 512; }
http {
  access_log off; ${temporary.join(' ')} client_max_body_size 64k; keepalive_timeout 60s; lingering_close off;
  server { listen 127.0.0.1:${port}; location / { proxy_pass http://127.0.0.1:${inner}; } }
  server { listen 127.0.0.1:${inner}; location / { return 200 "ok"; } }
}
`
}

async function answers(port) {
  for (let tries = 0; tries < 100; tries++) {
    const isUp = await new Promise((resolve) => {
      const socket = net.connect(port, '127.0.0.1')
      socket.on('connect', () => { socket.destroy(); resolve(true) })
      socket.on('error', () => resolve(false))
    })
    if (isUp) return true
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  return false
}

async function startNginx() {
  const binary = nginxBinary()
  if (!binary) return undefined
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'usher-nginx-'))
  const [port, inner] = [await freePort(), await freePort()]
  const file = path.join(folder, 'nginx.conf')
  fs.writeFileSync(file, nginxConfiguration(folder, port, inner))
  const child = spawn(binary, ['-e', `${folder}/error.log`, '-c', file, '-p', folder], { stdio: 'ignore' })
  const stop = async () => {
    const exited = once(child, 'exit')
    child.kill('SIGTERM')
    await exited
    fs.rmSync(folder, { recursive: true })
  }
  if (await answers(port)) return { port, stop, about: spawnSync(binary, ['-v']).stderr.toString().trim() }
  const log = fs.readFileSync(`${folder}/error.log`, 'utf8')
  await stop()
  throw new Error(`nginx did not start: ${log}`)
}

async function startNode() {
  const server = http.createServer((req, res) => {
    req.resume()
    req.on('error', () => {})
    req.on('end', () => res.end('ok'))
  })
  server.keepAliveTimeout = 60_000 // else it is taken for a close
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const stop = async () => {
    server.closeAllConnections()
    server.close()
    await once(server, 'close')
  }
  return { port: server.address().port, stop, about: `node ${process.version}` }
}

// Comparing.

let [passed, failed] = [0, 0]
function check(isGood, name, detail) {
  if (isGood) passed++
  else failed++
  console.log(`${isGood ? 'ok' : 'not ok'} ${passed + failed} - ${name}`)
  if (!isGood) console.log(`# ${detail}`)
}

function compare(cases, server, results) {
  for (const c of cases) {
    const wanted = (server === 'node' && NODE_IS_OLD ? c.node18 : undefined) ?? c[server] ?? c.usher
    const got = results.get(c.name)
    check(got === wanted, `${server}: ${c.name}`, `${server} answered '${got}', the corpus says '${wanted}'`)
  }
}

function show(cases, all) {
  for (const c of cases)
    console.log(`[${c.name}]\n  ${SERVERS.filter((s) => all[s]).map((s) => `${s} ${all[s].get(c.name)}`).join('\n  ')}`)
}

const cases = readCorpus(path.join(HERE, 'corpus.txt'))
const running = {}
try {
  running.usher = await startUsher()
  running.nginx = await startNginx()
  running.node = await startNode()
  const all = {}
  for (const server of SERVERS)
    if (running[server]) all[server] = await sendAll(running[server].port, cases)
  if (process.argv.includes('--show')) show(cases, all)
  check(cases.length > 0, 'the corpus has cases', 'none')
  for (const c of cases) {
    const differs = [c.nginx, c.node, c.node18].some((other) => other && other !== c.usher)
    check(differs === Boolean(c.why), `${c.name}: differences are explained`, 'a difference without a why, or a why without one')
  }
  for (const server of SERVERS) {
    if (all[server]) compare(cases, server, all[server])
    else console.log(`# ${server} is not installed: not compared`)
    if (running[server]?.about) console.log(`# ${running[server].about}`)
  }
} catch (error) {
  check(false, 'the comparison runs', error.stack)
} finally {
  for (const server of Object.values(running)) await server?.stop()
}
console.log(`1..${passed + failed}`)
console.log(`${passed} passed, ${failed} failed`)
process.exitCode = failed || !passed ? 1 : 0
