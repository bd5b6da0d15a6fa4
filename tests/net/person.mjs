// A person at a browser without JavaScript, in a few lines: cookies, redirects, forms. It reads pages as a browser would (labels and
// names are the page's own), so it knows only that a login asks for a user name and a password, and that decisions are buttons.
import assert from 'node:assert/strict'
import { fetchWith } from './fetch.mjs'

const ENTITIES = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" }
const decoded = (text) => text.replace(/&(?:#x([0-9a-f]+)|#([0-9]+)|(\w+));/gi, (all, hex, dec, name) => {
  if (name) return ENTITIES[name] ?? all
  return String.fromCodePoint(hex ? parseInt(hex, 16) : Number(dec))
})

function attributes(tag) {
  const found = {}
  for (const [, name, quoted, bare] of tag.matchAll(/\s([^\s=>/"']+)(?:="([^"]*)"|=([^\s>"']+))?/g)) found[name.toLowerCase()] = decoded(quoted ?? bare ?? '')
  return found
}

// The forms of a page: {action, method, fields: [attributes of input and button]}.
function formsOf(page) {
  return [...page.text.matchAll(/<form\b([^>]*)>([\s\S]*?)<\/form>/gi)].map(([, head, inside]) => {
    const form = attributes(head)
    return {
      action: new URL(form.action || page.url, page.url),
      method: (form.method ?? 'get').toUpperCase(),
      fields: [...inside.matchAll(/<(input|button)\b([^>]*)>/gi)].map(([, tag, rest]) => ({ tag: tag.toLowerCase(), ...attributes(rest) })),
    }
  })
}

export class Person {
  cookies = new Map()
  visited = [] // every address asked for, and the status of its answer

  // `stop`: addresses that begin with this are not asked for any more: the client's own. headers: of every request.
  constructor({ stop = 'http://127.0.0.1:9/', headers = {}, fetch = fetchWith() } = {}) { Object.assign(this, { stop, headers, fetch }) }

  async #ask(url, init) {
    const cookie = [...this.cookies].map(([name, value]) => `${name}=${value}`).join('; ')
    const r = await this.fetch(url, { ...init, redirect: 'manual', signal: AbortSignal.timeout(20000),
      headers: { accept: 'text/html', 'accept-language': 'en', ...this.headers, ...init.headers, ...(cookie ? { cookie } : {}) } })
    this.visited.push({ url: String(url), method: init.method, status: r.status })
    for (const line of r.headers.getSetCookie()) {
      const [, name, value] = /^([^=]+)=([^;]*)/.exec(line)
      if (value === '' || /;\s*max-age=0/i.test(line) || /expires=[^;]*1970/i.test(line)) this.cookies.delete(name)
      else this.cookies.set(name, value)
    }
    return r
  }

  // Goes there and follows: a page {url, status, headers, text, forms}, or where it stopped {url, at: true}.
  async go(url, init = { method: 'GET' }) {
    let where = new URL(url)
    for (let hops = 0; hops < 20; hops++) {
      if (String(where).startsWith(this.stop)) return { url: where, at: true }
      const r = await this.#ask(where, init)
      const next = r.headers.get('location')
      if (r.status < 300 || r.status > 399 || !next) {
        const page = { url: where, status: r.status, headers: r.headers, text: await r.text() }
        return { ...page, forms: formsOf(page) }
      }
      await r.body?.cancel()
      assert.ok(init.method === 'GET' || r.status === 302 || r.status === 303, `a form was answered with ${r.status}`)
      where = new URL(next, where)
      init = { method: 'GET' }
    }
    throw new Error(`more than 20 redirects to ${where}`)
  }

  // Sends the form that has such a field. `fill`: values by autocomplete or name; `press`: [name, value] of the button.
  async submit(page, { fill = {}, press, tick = [] } = {}) {
    const form = page.forms.find(({ fields }) => (press ? fields.some((f) => f.name === press[0] && f.value === press[1])
      : Object.keys(fill).every((key) => fields.some((f) => f.autocomplete === key || f.name === key))))
    assert.ok(form, `no such form at ${page.url} (${page.status}):\n${page.text}`)
    const sent = new URLSearchParams()
    for (const field of form.fields) {
      if (!field.name) continue
      const given = fill[field.autocomplete] ?? fill[field.name]
      if (field.type === 'checkbox' || field.type === 'radio') {
        if (tick.includes(field.name) || 'checked' in field) sent.append(field.name, field.value ?? 'on')
      } else if (field.tag === 'button' || field.type === 'submit') {
        if (press && field.name === press[0] && field.value === press[1]) sent.append(field.name, field.value)
      } else sent.append(field.name, given ?? field.value ?? '')
    }
    if (!press) { // Enter presses the form's first button
      const first = form.fields.find((f) => f.tag === 'button' || f.type === 'submit')
      if (first?.name) sent.append(first.name, first.value ?? '')
    }
    if (form.method === 'GET') return this.go(Object.assign(form.action, { search: sent }))
    const headers = { 'content-type': 'application/x-www-form-urlencoded', origin: page.url.origin }
    return this.go(form.action, { method: 'POST', headers, body: sent.toString() })
  }

  login(page, user, password) { return this.submit(page, { fill: { username: user, 'current-password': password } }) }

  decide(page, decision, { save = false } = {}) { return this.submit(page, { press: ['decision', decision], tick: save ? ['save_consent'] : [] }) }

  // The usual way: log in when asked, allow when asked, and stop at the client.
  async through(url, user, password, options) {
    let page = await this.go(url)
    if (!page.at && page.forms.some(({ fields }) => fields.some((f) => f.autocomplete === 'current-password'))) page = await this.login(page, user, password)
    if (!page.at && page.forms.some(({ fields }) => fields.some((f) => f.name === 'decision'))) page = await this.decide(page, 'allow', options)
    assert.ok(page.at, `not back at the client but at ${page.url} (${page.status}):\n${page.text}`)
    return page.url
  }
}
