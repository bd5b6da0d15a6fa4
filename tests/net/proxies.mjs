// Debian's nginx and HAProxy in processes of their own, on free loopback ports, with the samples of packaging/ as their configuration.
// What they write is in a folder that goes with them; nothing of the system's own configuration is read.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import net from 'node:net'
import os from 'node:os'
import path from 'node:path'
import { freePort } from './apache.mjs'
import { ROOT } from './usher.mjs'

const answers = (port) => new Promise((resolve) => {
  const socket = net.connect(port, '127.0.0.1', () => { socket.destroy(); resolve(true) })
  socket.on('error', () => resolve(false))
})

// The sample with each text replaced by ours; one that the sample does not have is a mistake of the test.
function filled(sample, texts) {
  let text = readFileSync(path.join(ROOT, 'packaging', sample), 'utf8')
  for (const [from, to] of Object.entries(texts)) {
    if (!text.includes(from)) throw new Error(`${sample} does not say ${from}`)
    text = text.replaceAll(from, () => to)
  }
  return text
}

class Proxy {
  // Starts `program` with what `write(self)` has put into its folder, and waits until it listens.
  static async start(program, write) {
    if (!existsSync(program)) throw new Error(`${program} is missing: run tools/install-deps test`)
    for (let attempt = 1; ; attempt++) {
      const self = new Proxy()
      self.port = await freePort()
      self.dir = mkdtempSync(path.join(os.tmpdir(), 'usher-proxy-'))
      chmodSync(self.dir, 0o755) // the workers of one that root starts are somebody else
      if (await self.#run(program, write(self))) return self
      const said = self.said
      await self.stop()
      // Somebody else took the port between our look and the proxy's.
      if (attempt === 3 || !/[Aa]ddress already in use|[Cc]annot bind/.test(said)) throw new Error(`${program} does not start:\n${said}`)
    }
  }

  async #run(program, args) {
    this.child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'] })
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

  file(name, text) {
    const made = path.join(this.dir, name)
    writeFileSync(made, text)
    return made
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

// `own`: {certificate, key} of the proxy; `usher`: the port behind.
export function startNginx({ own, usher }) {
  return Proxy.start('/usr/sbin/nginx', (self) => {
    const site = self.file('site.conf', filled('nginx.conf.sample', {
      'listen 443 ssl http2;': `listen 127.0.0.1:${self.port} ssl http2;`,
      'server 127.0.0.1:8080;': `server 127.0.0.1:${usher};`,
      '/etc/usher/tls/as.example.com.pem': own.certificate, '/etc/usher/tls/as.example.com.key': own.key,
    }))
    const folders = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((name) => `${name}_temp_path ${self.dir}/${name};`).join('\n')
    const main = self.file('nginx.conf', `daemon off;\nworker_processes 1;\npid ${self.dir}/pid;\nerror_log stderr warn;\n`
      + `events {}\nhttp {\naccess_log off;\n${folders}\ninclude ${site};\n}\n`)
    return ['-p', self.dir, '-e', 'stderr', '-c', main]
  })
}

// `authorities`: the file of authorities that HAProxy wants; it lets everybody in.
export function startHaproxy({ own, usher, authorities }) {
  return Proxy.start('/usr/sbin/haproxy', (self) => {
    const both = self.file('both.pem', readFileSync(own.certificate, 'utf8') + readFileSync(own.key, 'utf8'))
    const main = self.file('haproxy.cfg', filled('haproxy.cfg.sample', {
      'bind :443 ssl': `bind 127.0.0.1:${self.port} ssl`, '127.0.0.1:8080': `127.0.0.1:${usher}`,
      '/etc/usher/tls/as.example.com.both.pem': both, '/etc/usher/tls/client-ca.pem': authorities,
    }))
    return ['-db', '-f', main]
  })
}
