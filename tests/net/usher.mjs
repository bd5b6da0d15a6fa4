// A release server in a process of its own, and a small keep-alive client: what the race, kill and end-to-end tests share.
// Only Node's own modules, so that it runs with the Node of Debian 12.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import http from 'node:http'
import { fileURLToPath } from 'node:url'
import path from 'node:path'

export const ROOT = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..')
export const BINARY = process.env.USHER_BINARY ?? path.join(ROOT, 'build/usher')
export const PASSWORD = 'Ch4ng31t'
export const SECRET = 'mySecret'
export const UMA_GRANT = 'urn:ietf:params:oauth:grant-type:uma-ticket'
export const ID_TOKEN_FORMAT = 'http://openid.net/specs/openid-connect-core-1_0.html#IDToken'

export class Usher {
  // Starts `usher demo` (or another command line) and resolves when it says `ready`.
  static async start(args = ['demo', '--listen', '127.0.0.1:0'], env = {}) {
    const self = new Usher()
    self.child = spawn(BINARY, args, { stdio: ['ignore', 'pipe', 'inherit'], env: { ...process.env, ...env } })
    self.exited = once(self.child, 'exit')
    self.base = await new Promise((resolve, reject) => {
      let text = ''
      self.child.stdout.on('data', (chunk) => {
        text += chunk
        const match = /^ready (\S+)$/m.exec(text)
        if (match) resolve(match[1])
      })
      self.child.on('exit', (code, signal) => reject(new Error(`usher ended before it was ready: ${code ?? signal}`)))
      self.child.on('error', reject)
    })
    const url = new URL(self.base)
    self.host = url.hostname
    self.port = Number(url.port)
    self.agent = new http.Agent({ keepAlive: true, maxSockets: 256 })
    self.uma = '/am/uma/realms/root/realms/alpha'
    self.oauth = '/am/oauth2/realms/root/realms/alpha'
    self.json = '/am/json/realms/root/realms/alpha'
    return self
  }

  // One request; never throws for a status, rejects when the connection fails.
  request(method, target, { headers = {}, body } = {}) {
    return new Promise((resolve, reject) => {
      const req = http.request({ host: this.host, port: this.port, method, path: target, headers, agent: this.agent }, (res) => {
        const chunks = []
        res.on('data', (chunk) => chunks.push(chunk))
        res.on('error', reject)
        res.on('end', () => {
          const text = Buffer.concat(chunks).toString()
          let json
          try { json = text ? JSON.parse(text) : undefined } catch { json = undefined }
          resolve({ status: res.statusCode, headers: res.headers, text, json })
        })
      })
      req.on('error', reject)
      req.end(body)
    })
  }

  form(target, fields, headers = {}) {
    return this.request('POST', target, {
      headers: { 'content-type': 'application/x-www-form-urlencoded', ...headers },
      body: new URLSearchParams(fields).toString(),
    })
  }

  send(method, target, value, headers = {}) {
    const body = value === undefined ? undefined : JSON.stringify(value)
    return this.request(method, target, { headers: body === undefined ? headers : { 'content-type': 'application/json', ...headers }, body })
  }

  async token(user, client, scope) {
    const r = await this.form(`${this.oauth}/access_token`, {
      grant_type: 'password', scope, username: user, password: PASSWORD, client_id: client, client_secret: SECRET,
    })
    if (r.status !== 200) throw new Error(`no token for ${user}: ${r.status} ${r.text}`)
    return r.json
  }

  async pat(user = 'alice', client = 'UMA-Resource-Server') {
    return { authorization: `Bearer ${(await this.token(user, client, 'uma_protection')).access_token}` }
  }

  async sso(user = 'alice') {
    const r = await this.send('POST', `${this.json}/authenticate`, {}, { 'x-openam-username': user, 'x-openam-password': PASSWORD })
    if (r.status !== 200) throw new Error(`no session for ${user}: ${r.status} ${r.text}`)
    return { iplanetdirectorypro: r.json.tokenId, 'accept-api-version': 'resource=1.0' }
  }

  grant(client, ticket, idToken, more = {}) {
    return this.form(`${this.oauth}/access_token`, {
      grant_type: UMA_GRANT, ticket, claim_token: idToken, claim_token_format: ID_TOKEN_FORMAT, client_id: client,
      client_secret: SECRET, ...more,
    })
  }

  share(sso, owner, id, permissions) {
    return this.send('PUT', `${this.json}/users/${owner}/uma/policies/${id}`, { policyId: id, permissions }, sso)
  }

  introspect(pat, token) { return this.form(`${this.oauth}/introspect`, { token }, pat) }

  async kill() {
    this.agent.destroy()
    if (this.child.exitCode === null && this.child.signalCode === null) this.child.kill('SIGKILL')
    await this.exited
  }

  async stop() {
    this.agent.destroy()
    if (this.child.exitCode === null && this.child.signalCode === null) this.child.kill('SIGTERM')
    const [code] = await this.exited
    return code
  }
}

// The closing line of a group of tests, as the runner of all tests reads it.
export class Tally {
  passed = 0
  failed = 0
  check(name, ok, detail = '') {
    if (ok) this.passed++
    else this.failed++
    if (!ok || process.env.VERBOSE) console.log(`${ok ? 'ok' : 'not ok'} - ${name}${ok ? '' : `: ${detail}`}`)
    return ok
  }
  end() {
    console.log(`${this.passed} passed, ${this.failed} failed`)
    process.exitCode = this.failed === 0 && this.passed > 0 ? 0 : 1
  }
}
