// Claims gathering over the wire, as protocol contract 7.6 tells it: a client, a browser without JavaScript with bob in front of it,
// the login page in between. And what must not be in the log and in the store afterwards.
import assert from 'node:assert/strict'
import { readFileSync, readdirSync, statSync } from 'node:fs'
import path from 'node:path'
import { test } from 'node:test'
import { PASSWORD, SECRET, UMA_GRANT } from '../net/usher.mjs'
import { Person } from '../net/person.mjs'
import { administer, folder, Server, within } from './ops.mjs'

const VERIFIER = 'ush3r-ticket-verifier_0123456789~abcdefghijklm' // protocol contract 6.7
const CHALLENGE = 'VJQw1Oalzayz03lNdyd7HUwdoaRBtD8740pg4AlAxyE'

test('a requesting party logs in, allows it, and is remembered', async (t) => {
  const dir = folder(t)
  const usher = await Server.demo(t, dir)
  await administer(dir, 'settings', 'set', 'interactiveClaimsGatheringEnabled=true')
  const metadata = () => usher.request('GET', `${usher.uma}/.well-known/uma2-configuration`)
  const endpoint = await within(3000, async () => (await metadata()).json.claims_interaction_endpoint)
  assert.equal(endpoint, `${usher.base.replace(/\/am$/, '')}${usher.uma}/claims_gathering`)

  const pat = await usher.pat()
  const album = (await usher.send('POST', `${usher.uma}/resource_set`, { resource_scopes: ['view'] }, pat)).json._id
  await usher.share(await usher.sso(), 'alice', album, [{ subject: 'bob', scopes: ['view'] }])
  const fresh = async () => (await usher.send('POST', `${usher.uma}/permission_request`, { resource_id: album, resource_scopes: ['view'] }, pat)).json.ticket
  const grant = (ticket, more = {}) => usher.form(`${usher.oauth}/access_token`, { grant_type: UMA_GRANT, ticket, client_id: 'UMA-Client', client_secret: SECRET, ...more })
  const to = (ticket, more = {}) => `${endpoint}?${new URLSearchParams({ client_id: 'UMA-Client', ticket, ...more })}`

  const asked = await grant(await fresh())
  assert.equal(asked.json.error, 'need_info')
  assert.equal(asked.json.redirect_user, endpoint)
  const bob = new Person()
  let page = await bob.go(to(asked.json.ticket, { state: 'q7', code_challenge: CHALLENGE, code_challenge_method: 'S256' }))
  assert.match(String(page.url), /\/am\/XUI\/\?/)
  page = await bob.login(page, 'bob', PASSWORD)
  assert.equal(page.status, 200)
  assert.match(page.text, /UMA-Client/)
  assert.match(page.text, /bob/)
  const [form] = page.forms.filter(({ fields }) => fields.some((f) => f.name === 'decision'))
  const shown = form.fields.find((f) => f.name === 'ticket').value
  assert.notEqual(shown, asked.json.ticket)
  const back = await bob.decide(page, 'allow', { save: true })
  assert.ok(back.at, back.text)
  const ticket = back.url.searchParams.get('ticket')
  assert.equal(String(back.url), `http://127.0.0.1:9/claims?ticket=${ticket}&state=q7`)
  const rpt = await grant(ticket, { code_verifier: VERIFIER })
  assert.equal(rpt.status, 200)
  assert.ok(rpt.json.pct)
  assert.equal((await usher.introspect(pat, rpt.json.access_token)).json.sub, 'bob')
  assert.equal((await grant(await fresh(), { pct: rpt.json.pct })).status, 200)

  // He is still signed in, and another one may take his place.
  const second = await fresh()
  page = await bob.go(to(second))
  assert.equal(page.status, 200)
  const other = /<a [^>]*href="([^"]*ForceAuth[^"]*)"/.exec(page.text)[1].replaceAll('&amp;', '&')
  page = await bob.login(await bob.go(new URL(other, page.url)), 'carol', PASSWORD)
  assert.match(page.text, /carol/)
  const no = await bob.decide(page, 'deny')
  assert.equal(String(no.url), 'http://127.0.0.1:9/claims?error=access_denied')
  assert.equal((await grant(second)).json.error, 'invalid_grant')

  // SB-15, SB-21, UG-35: nothing that was issued is in the log or in the store, which nobody else may read.
  const secrets = [asked.json.ticket, shown, ticket, rpt.json.access_token, rpt.json.pct, ...bob.cookies.values()]
  assert.equal(await usher.stop(), 0)
  for (const name of readdirSync(dir)) {
    assert.equal(statSync(path.join(dir, name)).mode & 0o077, 0, name)
    const bytes = readFileSync(path.join(dir, name), 'latin1')
    for (const secret of secrets) assert.ok(!bytes.includes(secret), `${name} has an issued value`)
  }
  for (const secret of secrets) assert.ok(!usher.log.includes(secret))
})
