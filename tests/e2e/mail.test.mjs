// Mails to people, by SMTP (REST contract l): what is sent to whom, exactly once, whatever the mail server or the process does; and
// that nothing in a name gets out of its place.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { copyFileSync, mkdirSync } from 'node:fs'
import net from 'node:net'
import path from 'node:path'
import { before, test } from 'node:test'
import { SECRET } from '../net/usher.mjs'
import { parse, Smtp } from '../net/smtp.mjs'
import { certificate, file, folder, lock, Server, sql, usher, within } from './ops.mjs'

const FROM = 'usher@as.example.net'
const RS = 'UMA-Resource-Server'
const C1 = 'UMA-Client'
const A_MOMENT = 5000
const CLAIM_MARGIN = 10000 // a claim outlives smtp.timeout_ms by this

let world // the demo world in a file; its people have addresses
before(async () => {
  const made = folder({ after: (end) => process.on('exit', end) })
  const server = await Server.demo({ after: () => {} }, made)
  await server.stop()
  world = path.join(made, 'usher.db')
  await sql(world, "UPDATE account SET mail = name || '@example.com' WHERE name <> 'dave'")
})

// A folder with a world of its own, and servers on it.
function place(t) {
  const dir = folder(t)
  const store = path.join(dir, 'usher.db')
  copyFileSync(world, store)
  copyFileSync(path.join(path.dirname(world), 'store.key'), path.join(dir, 'store.key'))
  const start = (smtp, more = '', options = {}) => Server.launch(t, ['serve', '--config', file(dir, `${Math.random()}.yaml`,
    `listen:\n  - { address: 127.0.0.1, port: 0 }\nstore: sqlite:${store}\n`
    + `smtp: { host: 127.0.0.1, port: ${smtp.port}, tls: none, from: ${FROM}, retry_ms: 200${smtp.more ?? ''} }\n${more}`)], options)
  const outbox = async () => JSON.parse((await usher(['outbox', 'list', '--json', '--store', `sqlite:${store}`])).out)
  const command = async (...args) => {
    const r = await usher([...args, '--store', `sqlite:${store}`])
    assert.deepEqual([args, r.code, r.err], [args, 0, ''])
    return r.out
  }
  return { dir, store, start, outbox, command }
}

// A port that nobody listens on.
async function freePort() {
  const probe = net.createServer()
  await once(probe.listen(0, '127.0.0.1'), 'listening')
  const { port } = probe.address()
  probe.close()
  await once(probe, 'close')
  return port
}

// Alice's resource, and bob (or another) asking for it: filed as pending.
let count = 0
async function register(server, name = `Album ${++count}`) {
  const pat = await server.pat('alice', RS)
  const r = await server.send('POST', `${server.uma}/resource_set`, { name, resource_scopes: ['view', 'edit'] }, pat)
  assert.equal(r.status, 201, r.text)
  return { pat, id: r.json._id, name }
}
async function ask(server, { pat, id }, user = 'bob', scopes = ['view']) {
  const idToken = (await server.token(user, C1, 'openid')).id_token
  const ticket = await server.send('POST', `${server.uma}/permission_request`, { resource_id: id, resource_scopes: scopes }, pat)
  const r = await server.grant(C1, ticket.json.ticket, idToken)
  assert.deepEqual([r.status, r.json.error], [403, 'request_submitted'], r.text)
}
async function submit(server, name, user, scopes) {
  const resource = await register(server, name)
  await ask(server, resource, user, scopes)
  return resource
}
async function pending(server) {
  const r = await server.send('GET', `${server.json}/users/alice/uma/pendingrequests?_queryFilter=true`, undefined, await server.sso())
  return r.json.result
}
async function act(server, id, action, body) {
  const r = await server.send('POST', `${server.json}/users/alice/uma/pendingrequests/${id}?_action=${action}`, body, await server.sso())
  assert.equal(r.status, 200, r.text)
}

const arrives = (smtp, n, ms = A_MOMENT) => within(ms, () => smtp.mails.length >= n)
// Nothing more comes although there was time for it.
async function noMore(smtp, n, ms = 1000) {
  await new Promise((resolve) => setTimeout(resolve, ms))
  assert.equal(smtp.mails.length, n)
}
const empty = (p, ms = A_MOMENT) => within(ms, async () => (await p.outbox()).length === 0)

// --- what is sent ---

/* REST l.1 */
test('a pending request is told to the owner once, an approval to the requesting party, a denial to nobody', async (t) => {
  const smtp = await Smtp.start(t)
  const p = place(t)
  const server = await p.start(smtp)
  const resource = await submit(server, 'Photo Album', 'bob', ['view', 'edit'])
  assert.ok(await arrives(smtp, 1), server.log)
  const [first] = smtp.mails
  const [request] = await pending(server)
  assert.deepEqual([first.from, first.to, first.helo], [FROM, ['alice@example.com'], 'as.example.net'])
  assert.equal(first.headers.get('from'), FROM)
  assert.equal(first.headers.get('to'), 'alice@example.com')
  assert.equal(first.subject, 'New Pending Request')
  assert.match(first.headers.get('message-id'), /^<usher\.[\w-]{43}@as\.example\.net>$/)
  assert.ok(Math.abs(Date.parse(first.headers.get('date')) - request.when) < 1000)
  assert.equal(first.headers.get('content-type'), 'text/html; charset=utf-8')
  assert.match(first.html, /<b>bob<\/b> asks for access to <b>Photo Album<\/b>/)
  assert.match(first.html, /Asked for: view, edit</)
  assert.ok(first.html.includes(`<a href="${server.base}/XUI/?realm=/alpha#uma/requests/${request._id}">`), first.html)

  await ask(server, resource, 'bob', ['view']) // covered by what is there
  await noMore(smtp, 1)
  await act(server, request._id, 'approve', { scopes: ['view'] })
  assert.ok(await arrives(smtp, 2))
  const second = smtp.mails[1]
  assert.deepEqual([second.to, second.subject], [['bob@example.com'], 'Pending Request Approved'])
  assert.match(second.html, /<b>alice<\/b> has approved your request for <b>Photo Album<\/b>/)
  assert.match(second.html, /You may: view</)
  assert.notEqual(second.headers.get('message-id'), first.headers.get('message-id'))

  await ask(server, resource, 'bob', ['edit'])
  assert.ok(await arrives(smtp, 3))
  await act(server, (await pending(server))[0]._id, 'deny')
  await noMore(smtp, 3)
  assert.ok(await empty(p))
  assert.equal(await server.stop(), 0)
})

test('a mail goes out without waiting for a clock', async (t) => {
  const smtp = await Smtp.start(t)
  const server = await place(t).start(smtp)
  const resource = await register(server)
  await new Promise((resolve) => setTimeout(resolve, 500)) // it has looked and sleeps
  await ask(server, resource)
  assert.ok(await arrives(smtp, 1, 1000), 'within a second of the commit')
})

test('settings switch each mail off by itself', async (t) => {
  const smtp = await Smtp.start(t)
  const p = place(t)
  await p.command('settings', 'set', '--realm', '/alpha', 'emailResourceOwnerOnPendingRequestCreation=false')
  const server = await p.start(smtp)
  await submit(server)
  await noMore(smtp, 0)
  assert.deepEqual(await p.outbox(), [])
  await act(server, (await pending(server))[0]._id, 'approve')
  assert.ok(await arrives(smtp, 1))
  assert.deepEqual(smtp.mails[0].to, ['bob@example.com'])
  await p.command('settings', 'set', '--realm', '/alpha', 'emailResourceOwnerOnPendingRequestCreation=true',
    'emailRequestingPartyOnPendingRequestApproval=false')
  await new Promise((resolve) => setTimeout(resolve, 1000)) // obeyed within a second
  await submit(server)
  assert.ok(await arrives(smtp, 2))
  assert.deepEqual(smtp.mails[1].to, ['alice@example.com'])
  await act(server, (await pending(server))[0]._id, 'approve')
  await noMore(smtp, 2)
  assert.deepEqual(await p.outbox(), [])
})

test('without a mail server nothing is written down', async (t) => {
  const p = place(t)
  const server = await Server.launch(t, ['serve', '--config', file(p.dir, 'usher.yaml', `listen:\n  - { address: 127.0.0.1, port: 0 }\nstore: sqlite:${p.store}\n`)])
  await submit(server)
  assert.deepEqual(await p.outbox(), [])
})

test('mails speak the language of the person, of the realm, of the top realm, English', async (t) => {
  const smtp = await Smtp.start(t)
  const p = place(t)
  await p.command('settings', 'set', '--realm', '/', 'defaultLocale=de')
  const server = await p.start(smtp)
  const locale = (value) => sql(p.store, `UPDATE account SET locale = ${value} WHERE name = 'alice'`)
  const next = async () => {
    await submit(server)
    const n = smtp.mails.length + 1
    assert.ok(await arrives(smtp, n), server.log)
    const mail = smtp.mails[n - 1]
    return [mail.headers.get('content-language'), mail.subject]
  }
  await locale("'de-CH'")
  assert.deepEqual(await next(), ['de', 'Neue offene Anfrage'])
  await locale("'en-GB'")
  assert.deepEqual(await next(), ['en', 'New Pending Request'])
  await locale("'fr'")
  assert.deepEqual(await next(), ['de', 'Neue offene Anfrage'], 'the top realm has German')
  await p.command('settings', 'set', '--realm', '/alpha', 'defaultLocale=en')
  await new Promise((resolve) => setTimeout(resolve, 1000))
  await locale('NULL')
  assert.deepEqual(await next(), ['en', 'New Pending Request'], 'its own realm has English')
  await p.command('settings', 'set', '--realm', '/alpha', 'userProfileLocaleAttribute=sn')
  await sql(p.store, "UPDATE account SET family_name = 'de' WHERE name = 'alice'")
  await new Promise((resolve) => setTimeout(resolve, 1000))
  assert.deepEqual(await next(), ['de', 'Neue offene Anfrage'], 'the attribute that the setting names')
})

test('an operator writes other texts', async (t) => {
  const smtp = await Smtp.start(t)
  const p = place(t)
  const texts = path.join(p.dir, 'texts')
  mkdirSync(texts)
  file(texts, 'UmaPendingRequestCreationEmail.en.html', 'Subject: Größe <0>\n\n<i>{0}|{1}|{2}|{3}|{4}|{link}</i>')
  const server = await p.start({ port: smtp.port, more: `, templates: ${texts}` })
  await submit(server, 'Mine', 'carol')
  assert.ok(await arrives(smtp, 1))
  const [{ _id }] = await pending(server)
  assert.equal(smtp.mails[0].subject, 'Größe <0>')
  assert.equal(smtp.mails[0].html, `<i>carol|Mine|view|${server.base}|${_id}|${server.base}/XUI/?realm=/alpha#uma/requests/${_id}</i>`)
})

test('nothing in a name gets out of its place', async (t) => {
  const smtp = await Smtp.start(t)
  const p = place(t)
  const server = await p.start(smtp)
  const names = [
    '<script>alert(1)</script>', '"><img src=x onerror=alert(1)>', '{0}{1}{link}', "'&amp;", '.', '..', '=?UTF-8?B?PHNjcmlwdD4=?=', 'Größe €',
    '%0d%0aBcc: eve@example.com', 'a\r\nBcc: eve@example.com\r\n\r\n<script>', 'a\r\n.\r\nMAIL FROM:<eve@example.com>\r\n',
  ]
  let n = 0
  for (const name of names) {
    const pat = await server.pat('alice', RS)
    const r = await server.send('POST', `${server.uma}/resource_set`, { name, resource_scopes: ['view'] }, pat)
    if (r.status !== 201) continue // control characters may be refused before
    await ask(server, { pat, id: r.json._id })
    assert.ok(await arrives(smtp, ++n), server.log)
    const mail = smtp.mails[n - 1]
    assert.deepEqual([mail.to, mail.subject, mail.headers.size], [['alice@example.com'], 'New Pending Request', 10], name)
    const escaped = name.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;').replaceAll("'", '&#39;')
    assert.ok(mail.html.includes(`<b>${escaped}</b>`), mail.html)
  }
  assert.ok(n >= 9)
  assert.ok(!smtp.commands.some((line) => /eve/.test(line)))
  assert.equal(smtp.commands.filter((line) => /^MAIL/.test(line)).length, n)
})

test('who has no address that can be written to gets none, and holds nobody up', async (t) => {
  const smtp = await Smtp.start(t)
  const p = place(t)
  const server = await p.start(smtp)
  const addresses = ["NULL", "''", "'alice'", "'a@b>' || char(13) || char(10) || 'RCPT TO:<eve@example.com'", "'alice@example.com, eve@example.com'", "'<eve@example.com>'"]
  for (const address of addresses) {
    await sql(p.store, `UPDATE account SET mail = ${address} WHERE name = 'alice'`)
    await submit(server)
    assert.ok(await empty(p), address)
  }
  assert.deepEqual([smtp.connections, smtp.commands], [0, []])
  await sql(p.store, "UPDATE account SET mail = 'alice@example.org', is_active = 1 WHERE name = 'alice'")
  await submit(server)
  assert.ok(await arrives(smtp, 1))
  assert.deepEqual(smtp.mails[0].to, ['alice@example.org'])
})

// --- exactly once ---

test('a mail server that is down gets it when it is up, once', async (t) => {
  const port = await freePort()
  const p = place(t)
  const server = await p.start({ port })
  await submit(server)
  assert.ok(await server.logged(/mail_later/, A_MOMENT), server.log)
  const [row] = await p.outbox()
  assert.deepEqual([row.kind, row.realm, row.user, row.state], ['pending-request-created', '/alpha', 'alice', 'waiting'])
  assert.match(row.error, /connect/i)
  const smtp = await Smtp.start(t, { port })
  assert.ok(await arrives(smtp, 1, 10000), server.log)
  assert.ok(await empty(p))
  await noMore(smtp, 1, 2500)
})

test('what waits outlives a kill and goes out with the next start', async (t) => {
  const port = await freePort()
  const p = place(t)
  const server = await p.start({ port })
  await submit(server)
  assert.ok(await server.logged(/mail_later/, A_MOMENT))
  await server.kill()
  assert.equal((await p.outbox()).length, 1)
  const smtp = await Smtp.start(t, { port })
  await p.start({ port })
  assert.ok(await arrives(smtp, 1, 10000))
  assert.ok(await empty(p))
  await noMore(smtp, 1)
})

test('killed in the middle of a transfer: the mail comes back when the claim ends, under the same Message-ID', async (t) => {
  const smtp = await Smtp.start(t)
  smtp.say('text', ['hang'])
  const p = place(t)
  const more = ', timeout_ms: 1000'
  const server = await p.start({ port: smtp.port, more: ', timeout_ms: 3000' })
  await submit(server)
  assert.ok(await within(A_MOMENT, () => smtp.texts.length === 1))
  await server.kill()
  assert.deepEqual((await p.outbox()).map((row) => row.state), ['sending'])
  await p.start({ port: smtp.port, more })
  await noMore(smtp, 0, 3000) // the dead process may still be alive for all that is known
  assert.ok(await arrives(smtp, 1, CLAIM_MARGIN + A_MOMENT))
  assert.ok(await empty(p))
  assert.equal(smtp.texts.length, 2)
  const [before, after] = smtp.texts.map(parse)
  const here = (html) => html.replace(/127\.0\.0\.1:\d+/g, 'HERE') // each server has a port of its own
  assert.deepEqual(before.headers, after.headers, 'the Message-ID and all')
  assert.equal(here(before.html), here(after.html))
})

test('a process that starts under a node number sends at once what its former holder had claimed', async (t) => {
  const smtp = await Smtp.start(t)
  smtp.say('data', ['hang'])
  const p = place(t)
  const server = await p.start(smtp)
  await submit(server)
  assert.ok(await within(A_MOMENT, () => smtp.commands.includes('DATA')))
  await server.kill()
  await sql(p.store, 'UPDATE node SET leased_until_ms = 0') // as if the lease had run out
  await p.start(smtp)
  assert.ok(await arrives(smtp, 1), 'without waiting for the end of the claim')
  assert.ok(await empty(p))
  await noMore(smtp, 1)
})

test('two processes on one store send each mail once', async (t) => {
  const smtp = await Smtp.start(t)
  const p = place(t)
  const servers = [await p.start(smtp), await p.start(smtp)]
  const n = 12
  for (let i = 0; i < n; i++) await submit(servers[i % 2])
  assert.ok(await arrives(smtp, n, 10000))
  await noMore(smtp, n, 1500)
  assert.equal(new Set(smtp.mails.map((mail) => mail.headers.get('message-id'))).size, n)
  assert.ok(await empty(p))
})

test('a connection that ends before the answer to the text leads to a second try with the same mail', async (t) => {
  const smtp = await Smtp.start(t)
  smtp.say('text', ['drop'])
  const p = place(t)
  const server = await p.start(smtp)
  await submit(server)
  assert.ok(await arrives(smtp, 1), server.log)
  assert.equal(smtp.texts.length, 2)
  assert.equal(smtp.texts[0], smtp.texts[1])
  assert.ok(await empty(p))
})

test('an accepted mail is sent, whatever comes after the 250', async (t) => {
  for (const quit of ['hang', 'drop', '500 no', 'flood']) {
    const smtp = await Smtp.start(t)
    smtp.say('quit', quit)
    const p = place(t)
    const server = await p.start({ port: smtp.port, more: ', timeout_ms: 5000' })
    await submit(server)
    await submit(server)
    assert.ok(await arrives(smtp, 2, 4000), `${quit}: the second does not wait for the end of the first\n${server.log}`)
    assert.ok(await empty(p), quit)
    await noMore(smtp, 2, 700)
    assert.equal(smtp.texts.length, 2)
    assert.equal(await server.stop(), 0)
  }
})

test('a store that is locked after the acceptance does not make a second mail', async (t) => {
  const smtp = await Smtp.start(t)
  smtp.say('text', ['hang'])
  const p = place(t)
  const server = await p.start(smtp)
  await submit(server)
  assert.ok(await within(A_MOMENT, () => smtp.texts.length === 1))
  const unlock = await lock(t, p.store)
  smtp.release('250 queued')
  assert.ok(await server.logged(/mail_sent/), server.log)
  assert.ok(await server.logged(/outbox cannot be written/, A_MOMENT), server.log)
  await unlock()
  assert.ok(await empty(p), server.log)
  await submit(server)
  assert.ok(await within(A_MOMENT, () => smtp.texts.length === 2))
  assert.equal(smtp.mails.length, 1, 'the second event')
  assert.equal(await server.stop(), 0)
})

// --- refusals ---

test('refused for now: later, once; refused for good: kept, shown, sent again or dropped by the operator', async (t) => {
  const smtp = await Smtp.start(t)
  const p = place(t)
  const server = await p.start(smtp)
  for (const stage of ['rcpt', 'data', 'text']) {
    const n = smtp.mails.length
    smtp.say(stage, ['450 4.2.1 come back', '452 4.3.1 later'])
    await submit(server)
    assert.ok(await arrives(smtp, n + 1), server.log)
    assert.ok(await empty(p), stage)
    assert.equal(smtp.mails.length, n + 1)
  }
  const rows = []
  for (const [stage, reply] of [['rcpt', '550 5.1.1 nobody here'], ['data', '554 5.6.0 no'], ['text', '552 5.3.4 too much']]) {
    smtp.say(stage, [reply])
    await submit(server)
    const row = await within(A_MOMENT, async () => (await p.outbox()).find((r) => r.state === 'failed' && r.error.includes(reply)))
    assert.ok(row, server.log)
    rows.push(row)
  }
  const sent = smtp.mails.length
  await noMore(smtp, sent, 1500)
  assert.match(await p.command('outbox', 'list'), /pending-request-created +\/alpha +alice +1 +failed +RCPT: 550 5\.1\.1 nobody here\n/)
  await p.command('outbox', 'drop', rows[0].id)
  await p.command('outbox', 'retry', rows[1].id)
  assert.ok(await arrives(smtp, sent + 1, 8000), 'a running server sees it')
  assert.deepEqual((await p.outbox()).map((row) => row.id), [rows[2].id])
  await p.command('outbox', 'retry', 'failed')
  assert.ok(await arrives(smtp, sent + 2, 8000))
  assert.ok(await empty(p))
  for (const [args, code] of [[['retry', '1'], 1], [['drop', '1'], 1], [['retry', 'all'], 2], [['drop', '-1'], 2]]) {
    const r = await usher(['outbox', ...args, '--store', `sqlite:${p.store}`])
    assert.deepEqual([args, r.code], [args, code], r.err)
    assert.match(r.err, /^usher[^\n]*\n$/)
  }
})

test('after the last try it is kept as failed, and not before', async (t) => {
  const smtp = await Smtp.start(t)
  smtp.say('rcpt', '450 4.2.1 never')
  const p = place(t)
  const server = await p.start({ port: smtp.port, more: ', tries: 3' })
  await submit(server)
  assert.ok(await server.logged(/mail_failed/, A_MOMENT), server.log)
  const [row] = await p.outbox()
  assert.deepEqual([row.state, row.tries], ['failed', 3])
  assert.equal(smtp.commands.filter((line) => /^RCPT/.test(line)).length, 3)
  assert.equal(server.log.match(/mail_later/g).length, 2)
})

test('what the server does to its own connections holds a mail up and loses none', async (t) => {
  for (const [stage, said] of [['greeting', 'drop'], ['greeting', '554 go away'], ['ehlo', 'drop'], ['mail', '451 busy'], ['mail', '530 5.7.0 log in first'], ['rcpt', '421 closing'],
    ['greeting', 'hang'], ['rcpt', 'hang'], ['data', 'drop'], ['greeting', 'flood'], ['rcpt', 'flood'], ['text', 'flood']]) {
    const smtp = await Smtp.start(t)
    smtp.say(stage, [said])
    const p = place(t)
    const server = await p.start({ port: smtp.port, more: ', timeout_ms: 700' })
    await submit(server)
    if (stage === 'text') { // lines with 250 in front are an acceptance, however many there are
      assert.ok(await empty(p), `${stage} ${said}`)
    } else {
      assert.ok(await arrives(smtp, 1), `${stage} ${said}\n${server.log}`)
      assert.match(server.log, /mail_later/)
      assert.ok(await empty(p))
      assert.equal(smtp.mails.length, 1)
    }
    assert.equal(await server.stop(), 0)
    await smtp.stop()
  }
})

test('a stop ends a hanging transfer within its grace, and the mail is not lost', async (t) => {
  const smtp = await Smtp.start(t)
  smtp.say('rcpt', 'hang')
  const p = place(t)
  const server = await p.start(smtp, 'stop_grace_ms: 2000\n')
  await submit(server)
  assert.ok(await within(A_MOMENT, () => smtp.commands.some((line) => /^RCPT/.test(line))))
  const began = performance.now()
  assert.equal(await server.stop(), 0)
  assert.ok(performance.now() - began < 4000, 'a transfer may take 30 s, a stop may not')
  assert.deepEqual((await p.outbox()).map((row) => [row.state, row.tries]), [['waiting', 0]])
  smtp.say('rcpt', undefined)
  await p.start(smtp)
  assert.ok(await arrives(smtp, 1))
  assert.ok(await empty(p))
})

test('a stop lets a running transfer end', async (t) => {
  const smtp = await Smtp.start(t)
  smtp.say('text', 'hang')
  const p = place(t)
  const server = await p.start(smtp)
  await submit(server)
  assert.ok(await within(A_MOMENT, () => smtp.texts.length === 1))
  server.child.kill('SIGTERM')
  assert.ok(await server.logged(/draining/))
  smtp.release('250 queued')
  assert.equal((await server.exited)[0], 0)
  assert.deepEqual(await p.outbox(), [])
})

// --- TLS and passwords ---

test('STARTTLS and TLS with a certificate that is checked, and a password that nobody sees', async (t) => {
  const dir = folder(t)
  const [ours, other] = [await certificate(dir, 'ours'), await certificate(dir, 'other')]
  const password = 'geheim:"\\ €1'
  for (const mode of ['starttls', 'tls']) {
    const smtp = await Smtp.start(t, { tls: mode, certificate: ours, auth: mode === 'tls' ? 'LOGIN' : 'PLAIN LOGIN' })
    const p = place(t)
    const config = (ca) => file(p.dir, `${Math.random()}.yaml`, `listen:\n  - { address: 127.0.0.1, port: 0 }\nstore: sqlite:${p.store}\nlog: { level: debug }\n`
      + `smtp: { host: 127.0.0.1, port: ${smtp.port}, tls: ${mode}, from: ${FROM}, user: usher@as.example.net, ${ca}retry_ms: 200, tries: 2 }\n`)
    const launch = (ca) => Server.launch(t, ['serve', '--config', config(ca)], { env: { USHER_SMTP_PASSWORD: password } })

    for (const ca of ['', `ca_file: ${other.certificate}, `]) {
      const wary = await launch(ca)
      await submit(wary)
      assert.ok(await wary.logged(/mail_later.*certificate/i, A_MOMENT), wary.log)
      assert.equal(await wary.stop(), 0)
      assert.ok(!smtp.commands.some((line) => /AUTH|MAIL/.test(line)), 'nothing was entrusted to it')
      await p.command('outbox', 'drop', (await p.outbox())[0].id)
    }
    const server = await launch(`ca_file: ${ours.certificate}, `)
    await submit(server)
    assert.ok(await arrives(smtp, 1), server.log)
    const [mail] = smtp.mails
    assert.deepEqual([mail.isTls, mail.user, mail.password], [true, 'usher@as.example.net', password])
    smtp.say('auth', ['535 5.7.8 wrong'])
    await submit(server)
    assert.ok(await arrives(smtp, 2), server.log)
    assert.equal(await server.stop(), 0)
    for (const text of [password, Buffer.from(password).toString('base64'), 'geheim']) assert.ok(!server.log.includes(text))
    await smtp.stop()
  }
})

test('a server that does not offer STARTTLS gets nothing', async (t) => {
  const smtp = await Smtp.start(t, { auth: 'PLAIN' })
  const p = place(t)
  const server = await Server.launch(t, ['serve', '--config', file(p.dir, 'usher.yaml', `listen:\n  - { address: 127.0.0.1, port: 0 }\nstore: sqlite:${p.store}\n`
    + `smtp: { host: 127.0.0.1, port: ${smtp.port}, from: ${FROM}, user: u, password: ${SECRET} }\n`)])
  await submit(server)
  assert.ok(await server.logged(/mail_later.*STARTTLS/, A_MOMENT), server.log)
  assert.ok(!smtp.commands.some((line) => /AUTH|MAIL/.test(line)))
})

test('no proxy of the environment comes between', async (t) => {
  const smtp = await Smtp.start(t)
  const port = await freePort()
  const server = await place(t).start(smtp, '', { env: { all_proxy: `http://127.0.0.1:${port}`, ALL_PROXY: `http://127.0.0.1:${port}`, smtp_proxy: `http://127.0.0.1:${port}` } })
  await submit(server)
  assert.ok(await arrives(smtp, 1), server.log)
})

// --- configuration ---

test('--check says what is wrong with the part about mails', async (t) => {
  const dir = folder(t)
  const texts = path.join(dir, 'texts')
  mkdirSync(texts)
  file(texts, 'UmaPendingRequestApprovalEmail.en.html', 'Subject: s\n\n{3}')
  const check = (text, env) => usher(['serve', '--config', file(dir, 'usher.yaml', `listen:\n  - { address: 127.0.0.1, port: 0 }\n${text}`), '--check'], { env })
  const good = ['', 'smtp: { host: mail.example.com, from: a@b.example }\n', 'smtp: { host: "::1", tls: none, from: a@b, user: u, password: p }\n', 'smtp: { from: a@b }\n',
    'smtp: { host: 192.0.2.1, tls: tls, from: a@b, user: u, password: p, mail_attribute: uid }\n', 'smtp: { host: localhost, tls: none, from: a@b, user: u, password: p }\n']
  for (const text of good) {
    const r = await check(text)
    assert.deepEqual([text, r.code], [text, 0], r.err)
  }
  const bad = [
    ['{ host: mail.example.com }', /smtp\.from: is needed/],
    ['{ host: "mail.example.com/x", from: a@b }', /smtp\.host: must be/],
    ['{ host: "u@mail.example.com", from: a@b }', /smtp\.host: must be/],
    ['{ host: "-h", from: a@b }', /smtp\.host: must be/],
    ['{ host: m, from: "Usher <a@b>" }', /smtp\.from: must be a plain address/],
    ['{ host: m, from: "a@b\\r\\nBcc: c@d" }', /smtp\.from: /],
    ['{ host: m, from: a@b, user: u }', /user and password come together/],
    ['{ host: m, from: a@b, password: p }', /user and password come together/],
    ['{ host: m, from: a@b, user: u, password: p, tls: none }', /smtp\.tls: none would carry the password in clear/],
    ['{ host: m, from: a@b, tls: maybe }', /smtp\.tls: must be one of none, starttls, tls/],
    ['{ host: m, from: a@b, port: 0 }', /smtp\.port: must be from 1 to 65535/],
    ['{ host: m, from: a@b, tries: 0 }', /smtp\.tries: must be from 1/],
    ['{ host: m, from: a@b, timeout_ms: 99 }', /smtp\.timeout_ms: must be from 100/],
    ['{ host: m, from: a@b, retry_ms: 99 }', /smtp\.retry_ms: must be from 100/],
    ['{ host: m, from: a@b, colour: red }', /smtp\.colour: is not a known name/],
    ['{ host: m, from: a@b, mail_attribute: shoeSize }', /smtp\.mail_attribute: accounts have no attribute shoeSize/],
    [`{ host: m, from: a@b, ca_file: ${dir}/none.pem }`, /smtp\.ca_file: .*none\.pem cannot be read/],
    [`{ host: m, from: a@b, templates: ${dir}/none }`, /smtp\.templates: .*none cannot be read/],
    [`{ host: m, from: a@b, templates: ${texts} }`, /smtp\.templates: UmaPendingRequestApprovalEmail\.en\.html names an argument/],
  ]
  for (const [text, pattern] of bad) {
    const r = await check(`smtp: ${text}\n`)
    assert.deepEqual([text, r.code, r.out], [text, 1, ''], r.err)
    assert.match(r.err, /^usher: [^\n]+\n$/)
    assert.match(r.err, pattern)
  }
  const secret = await check('', { USHER_SMTP_HOST: 'm', USHER_SMTP_FROM: 'a@b', USHER_SMTP_USER: 'u', USHER_SMTP_PASSWORD: 'x'.repeat(1025) })
  assert.equal(secret.code, 1)
  assert.match(secret.err, /USHER_SMTP_PASSWORD/)
  assert.ok(!secret.err.includes('xxx'))
  assert.match((await check('', { USHER_SMTP_HOST: 'm', USHER_SMTP_FROM: 'a@b', USHER_SMTP_TLS: 'no' })).err, /USHER_SMTP_TLS/)
})
