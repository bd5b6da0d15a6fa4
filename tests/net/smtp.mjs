// A scripted SMTP server on loopback that counts what it was asked. It accepts every mail unless told otherwise; what it says at
// each stage can be replaced, once or for ever, by another reply or by what bad servers do.
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import net from 'node:net'
import tls from 'node:tls'

const GOOD = {
  greeting: '220 mail.example.com ESMTP', ehlo: '', starttls: '220 go ahead', auth: '235 welcome', mail: '250 sender ok', rcpt: '250 recipient ok',
  data: '354 go on', text: '250 queued', quit: '221 bye',
}

// Headers of a mail, unfolded and by lower-case name, and its text.
export function parse(text) {
  const [head, body] = [text.slice(0, text.indexOf('\r\n\r\n')), text.slice(text.indexOf('\r\n\r\n') + 4)]
  const headers = new Map()
  for (const line of head.replace(/\r\n[ \t]+/g, ' ').split('\r\n')) {
    const [, name, value] = /^([!-9;-~]+): (.*)$/.exec(line)
    if (headers.has(name.toLowerCase())) throw new Error(`two headers ${name}`)
    headers.set(name.toLowerCase(), value)
  }
  const words = (value) => value.replace(/\?=\s+=\?/g, '?==?').replace(/=\?UTF-8\?B\?([^?]*)\?=/g, (_, code) => Buffer.from(code, 'base64').toString())
  return { headers, subject: words(headers.get('subject')), html: Buffer.from(body, 'base64').toString() }
}

export class Smtp {
  mails = [] // accepted: {from, to, text, helo, isTls, user, password, headers, subject, html}
  texts = [] // whole texts that came in, accepted or not
  commands = []
  connections = 0
  #sockets = new Set()
  #hanging = [] // sockets that wait for an answer
  #script = {}

  // options: port; tls: 'starttls' or 'tls', with certificate {certificate, key}; auth: what EHLO offers, as 'PLAIN LOGIN'.
  static async start(t, options = {}) {
    const self = new Smtp()
    self.options = options
    const pair = options.certificate && { cert: readFileSync(options.certificate.certificate), key: readFileSync(options.certificate.key) }
    self.pair = pair
    const talk = (socket) => self.#talk(socket)
    self.server = options.tls === 'tls' ? tls.createServer(pair, talk) : net.createServer(talk)
    self.server.on('tlsClientError', () => {})
    await once(self.server.listen(options.port ?? 0, '127.0.0.1'), 'listening')
    self.port = self.server.address().port
    t.after(() => self.stop())
    return self
  }

  // At `stage` (a member of GOOD), the next times (or always, when `replies` is one) these are said instead. A reply is a line, or 'hang',
  // 'drop' (the connection goes), 'flood' (lines without end).
  say(stage, replies) { this.#script[stage] = replies }

  // Says at last what those who hang are waiting for.
  release(reply) { for (const socket of this.#hanging.splice(0)) socket.write(`${reply}\r\n`) }

  async stop() {
    for (const socket of this.#sockets) socket.destroy()
    if (this.server.listening) {
      this.server.close()
      await once(this.server, 'close')
    }
  }

  #next(stage) {
    const said = this.#script[stage]
    if (Array.isArray(said)) return said.shift() ?? GOOD[stage]
    return said ?? GOOD[stage]
  }

  #reply(session, stage, good) {
    const { socket } = session
    const said = this.#next(stage) || good
    if (said === 'hang') {
      this.#hanging.push(socket)
      return false
    }
    if (said === 'drop') {
      socket.destroy()
      return false
    }
    if (said === 'flood') {
      const flood = () => { while (!socket.destroyed && socket.write(`250-${'x'.repeat(500)}\r\n`)); }
      socket.on('drain', flood)
      flood()
      return false
    }
    socket.write(`${said}\r\n`)
    return /^[23]/.test(said)
  }

  #greet(session) {
    const offers = ['SIZE 10000000']
    if (this.options.tls === 'starttls' && !session.isTls) offers.push('STARTTLS')
    if (this.options.auth) offers.push(`AUTH ${this.options.auth}`)
    return ['250-mail.example.com', ...offers.map((offer, i) => (i + 1 < offers.length ? `250-${offer}` : `250 ${offer}`))].join('\r\n')
  }

  #listen(session, socket) {
    session.socket = socket
    this.#sockets.add(socket)
    socket.on('error', () => {})
    socket.on('close', () => this.#sockets.delete(socket))
    socket.on('data', (chunk) => {
      session.input += chunk.toString('latin1')
      this.#read(session)
    })
  }

  #talk(socket) {
    const session = { input: '', isTls: this.options.tls === 'tls' }
    this.connections++
    this.#listen(session, socket)
    this.#reply(session, 'greeting')
  }

  #read(session) {
    for (;;) {
      const end = session.isText ? session.input.indexOf('\r\n.\r\n') : session.input.indexOf('\r\n')
      if (end < 0 || session.socket.destroyed) return
      const line = session.input.slice(0, end)
      session.input = session.input.slice(end + (session.isText ? 5 : 2))
      if (session.isText) this.#text(session, `${line}\r\n`)
      else if (session.expects) session.expects(line)
      else this.#command(session, line)
    }
  }

  #text(session, raw) {
    session.isText = false
    const text = Buffer.from(raw.replace(/^\.\./gm, '.'), 'latin1').toString()
    this.texts.push(text)
    if (!this.#reply(session, 'text')) return
    const { from, to, helo, isTls, user, password } = session
    this.mails.push({ from, to, text, helo, isTls, user, password, ...parse(text) })
  }

  #auth(session, line) {
    const decode = (text) => Buffer.from(text, 'base64').toString()
    const [, , mechanism, initial] = /^(AUTH) (\S+) ?(.*)$/i.exec(line)
    const plain = (text) => {
      session.expects = undefined;
      [, session.user, session.password] = decode(text).split('\0')
      this.#reply(session, 'auth')
    }
    const login = (text) => {
      session.user = decode(text)
      session.expects = (more) => {
        session.expects = undefined
        session.password = decode(more)
        this.#reply(session, 'auth')
      }
      session.socket.write('334 UGFzc3dvcmQ6\r\n')
    }
    const next = mechanism.toUpperCase() === 'PLAIN' ? plain : login
    if (initial) return next(initial)
    session.expects = next
    return session.socket.write('334 \r\n')
  }

  #command(session, line) {
    const verb = line.split(' ')[0].toUpperCase()
    this.commands.push(verb === 'AUTH' ? line.split(' ').slice(0, 2).join(' ') : line)
    switch (verb) {
      case 'EHLO':
        session.helo = line.slice(5)
        return this.#reply(session, 'ehlo', this.#greet(session))
      case 'STARTTLS': {
        if (this.options.tls !== 'starttls') return session.socket.write('502 what?\r\n')
        if (!this.#reply(session, 'starttls')) return undefined
        const bare = session.socket
        bare.removeAllListeners('data')
        session.input = ''
        session.isTls = true
        return this.#listen(session, new tls.TLSSocket(bare, { isServer: true, secureContext: tls.createSecureContext(this.pair) }))
      }
      case 'AUTH':
        return this.#auth(session, line)
      case 'MAIL':
        session.from = /<(.*?)>/.exec(line)[1]
        session.to = []
        return this.#reply(session, 'mail')
      case 'RCPT':
        if (this.#reply(session, 'rcpt')) session.to.push(/<(.*?)>/.exec(line)[1])
        return undefined
      case 'DATA':
        session.isText = this.#reply(session, 'data')
        return undefined
      case 'QUIT':
        if (this.#reply(session, 'quit')) session.socket.end()
        return undefined
      default:
        return session.socket.write('500 what?\r\n')
    }
  }
}
