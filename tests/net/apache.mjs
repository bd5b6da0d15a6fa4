// Debian's Apache in a process of its own on a free loopback port, with a sample of packaging/ as its configuration. Everything it
// writes is in a folder that goes with it; nothing of the system's own configuration is read.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import net from 'node:net'
import os from 'node:os'
import path from 'node:path'
import { ROOT } from './usher.mjs'

const PROGRAM = '/usr/sbin/apache2'
const MODULES = '/usr/lib/apache2/modules'
const ALWAYS = ['mpm_event', 'authn_core', 'authz_core', 'authz_user', 'headers', 'dir', 'alias', 'env']

export async function freePort() {
  const server = net.createServer()
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const { port } = server.address()
  server.close()
  await once(server, 'close')
  return port
}

const answers = (port) => new Promise((resolve) => {
  const socket = net.connect(port, '127.0.0.1', () => { socket.destroy(); resolve(true) })
  socket.on('error', () => resolve(false))
})

// The lines `Define NAME value` of a sample get our values; one that the sample does not have is a mistake of the test.
function filled(sample, defines) {
  let text = readFileSync(path.join(ROOT, 'packaging', sample), 'utf8')
  for (const [name, value] of Object.entries(defines)) {
    const line = new RegExp(`^Define ${name} .*$`, 'm')
    if (!line.test(text)) throw new Error(`${sample} does not define ${name}`)
    text = text.replace(line, () => `Define ${name} ${value}`)
  }
  return text
}

export class Apache {
  // modules: besides ALWAYS; sample and its defines; more: configuration behind it; files: {path: text} of its document root.
  static async start({ modules = [], sample, defines = {}, more = '', files = {} }) {
    for (const file of [PROGRAM, ...modules.map((name) => `${MODULES}/mod_${name}.so`)])
      if (!existsSync(file)) throw new Error(`${file} is missing: run tools/install-deps test`)
    for (let attempt = 1; ; attempt++) {
      const self = new Apache()
      self.port = await freePort()
      self.base = `http://127.0.0.1:${self.port}`
      self.#write({ modules, sample, defines: typeof defines === 'function' ? defines(self.base) : defines, more, files })
      if (await self.#run()) return self
      const log = self.log()
      await self.stop()
      // Somebody else took the port between our look and Apache's.
      if (attempt === 3 || !/could not bind|Address already in use/.test(log)) throw new Error(`Apache does not start:\n${log}`)
    }
  }

  #write({ modules, sample, defines, more, files }) {
    this.dir = mkdtempSync(path.join(os.tmpdir(), 'usher-apache-'))
    chmodSync(this.dir, 0o755) // the workers of an Apache that root starts are somebody else
    for (const [name, text] of Object.entries({ 'index.html': 'home\n', ...files })) {
      const file = path.join(this.dir, 'www', name)
      mkdirSync(path.dirname(file), { recursive: true })
      writeFileSync(file, text)
    }
    const root = process.getuid() === 0 ? 'User www-data\nGroup www-data\n' : ''
    writeFileSync(path.join(this.dir, 'apache.conf'), `Define FOLDER ${this.dir}
ServerRoot ${this.dir}
ServerName 127.0.0.1
Listen 127.0.0.1:${this.port}
PidFile ${this.dir}/pid
DefaultRuntimeDir ${this.dir}
ErrorLog ${this.dir}/error.log
LogLevel warn
${root}${[...ALWAYS, ...modules].map((name) => `LoadModule ${name}_module ${MODULES}/mod_${name}.so`).join('\n')}
StartServers 1
ServerLimit 2
ThreadsPerChild 16
MaxRequestWorkers 32
GracefulShutdownTimeout 1
DocumentRoot ${this.dir}/www
DirectoryIndex index.html
${filled(sample, defines)}
${more}
`)
  }

  // True when it listens; false when it ended. Ten seconds at most.
  async #run() {
    this.child = spawn(PROGRAM, ['-d', this.dir, '-f', path.join(this.dir, 'apache.conf'), '-DFOREGROUND'], { stdio: ['ignore', 'pipe', 'pipe'] })
    this.exited = once(this.child, 'exit')
    this.said = ''
    for (const stream of [this.child.stdout, this.child.stderr]) stream.on('data', (chunk) => { this.said += chunk })
    for (const end = Date.now() + 10000; Date.now() < end;) {
      if (this.child.exitCode !== null || this.child.signalCode !== null) return false
      if (await answers(this.port)) return true
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
    return false
  }

  log() {
    const file = path.join(this.dir, 'error.log')
    return this.said + (existsSync(file) ? readFileSync(file, 'utf8') : '')
  }

  async stop() {
    if (this.child.exitCode === null && this.child.signalCode === null) {
      this.child.kill('SIGTERM')
      const late = setTimeout(() => this.child.kill('SIGKILL'), 5000)
      await this.exited
      clearTimeout(late)
    }
    rmSync(this.dir, { recursive: true, force: true })
  }
}
