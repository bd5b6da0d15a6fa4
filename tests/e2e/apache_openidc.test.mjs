// Debian's Apache with mod_auth_openidc as a relying party, configured by packaging/apache-openidc.conf.sample: people log in at Usher
// by the authorization code flow with PKCE, at pages that work without JavaScript.
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { after, before, test } from 'node:test'
import { Apache } from '../net/apache.mjs'
import { fetchWith } from '../net/fetch.mjs'
import { Person } from '../net/person.mjs'
import { PASSWORD, SECRET, Usher } from '../net/usher.mjs'
import { administer, within } from './ops.mjs'

const CLIENT = 'photo-web'
const echo = `
<Location "/account">
  Header always set X-User "expr=%{REMOTE_USER}"
  Header always set X-Claims "sub=%{OIDC_CLAIM_sub}e name=%{OIDC_CLAIM_name}e iss=%{OIDC_CLAIM_iss}e auth_time=%{OIDC_CLAIM_auth_time}e"
  Header always set X-Token "%{OIDC_access_token}e"
</Location>
`
let dir, usher, apache

const active = async (token) => (await usher.form(`${usher.oauth}/introspect`, { token, client_id: CLIENT, client_secret: SECRET })).json.active
const seen = (page) => ({ status: page.status, user: page.headers.get('x-user'), claims: page.headers.get('x-claims'), token: page.headers.get('x-token') })

before(async () => {
  dir = mkdtempSync(path.join(os.tmpdir(), 'usher-openidc-store-'))
  usher = await Usher.start(['demo', '--listen', '127.0.0.1:0', '--data', dir])
  apache = await Apache.start({
    modules: ['auth_openidc'], sample: 'apache-openidc.conf.sample', more: echo,
    defines: (base) => ({
      USHER_ISSUER: `${usher.base}/oauth2/realms/root/realms/alpha`, USHER_CLIENT_ID: CLIENT, USHER_CLIENT_SECRET: SECRET, APP: base,
      COOKIE_SECRET: 'a-secret-for-cookies-of-a-test',
    }),
    files: { 'account/index.html': 'account\n', 'account/quiet/index.html': 'quiet\n', 'bye.html': 'bye\n' },
  })
  await administer(dir, 'client', 'create', CLIENT, '--grants', 'authorization_code refresh_token', '--scopes', 'openid profile email',
    '--redirect-uris', `${apache.base}/account/callback`, '--auth-method', 'client_secret_basic', '--secret-stdin')
})
after(async () => {
  await apache?.stop()
  if (usher) assert.equal(await usher.stop(), 0)
  if (dir) rmSync(dir, { recursive: true, force: true })
})

// Nothing is the client's own address here: Apache is asked like every other server. Behind the module's error pages stand bytes that
// belong to no answer.
const person = () => new Person({ stop: 'none:', fetch: fetchWith({ lenient: true }) })

async function signIn(who, user = 'bob', options = {}) {
  let page = await who.go(`${apache.base}/account/`)
  assert.equal(page.url.port, String(usher.port), page.text)
  page = await who.login(page, user, PASSWORD)
  if (page.url.port === String(usher.port)) page = await who.decide(page, 'allow', options)
  assert.equal(page.url.href, `${apache.base}/account/`, `${page.text}\n${apache.log()}`)
  return seen(page)
}

// The answer of Usher was this error, and Apache shows a page of its own instead of the application.
function refused(who, page, error) {
  const back = new URL(who.visited.at(-1).url)
  assert.equal(back.pathname, '/account/callback')
  assert.equal(back.searchParams.get('error'), error)
  assert.match(page.text, /<title>Error<\/title>/)
  assert.ok(!page.headers.get('x-user'))
}

test('login and consent lead into the application, with claims of the ID token and of userinfo', async () => {
  const who = person()
  const r = await signIn(who)
  assert.equal(r.status, 200, apache.log())
  assert.equal(r.user, 'bob')
  assert.match(r.claims, new RegExp(`sub=bob name=\\S.* iss=${usher.base}/oauth2/realms/root/realms/alpha auth_time=\\d+`))
  assert.equal(await active(r.token), true)
  const asked = who.visited.map(({ url }) => new URL(url)).find((url) => url.pathname.endsWith('/authorize'))
  assert.equal(asked.searchParams.get('code_challenge_method'), 'S256')
  const back = who.visited.map(({ url }) => new URL(url)).find((url) => url.pathname === '/account/callback')
  assert.equal(back.searchParams.get('iss'), `${usher.base}/oauth2/realms/root/realms/alpha`)
  assert.ok(back.searchParams.get('code') && back.searchParams.get('state'))
})

test('who says no gets no session', async () => {
  const who = person()
  let page = await who.login(await who.go(`${apache.base}/account/`), 'bob', PASSWORD)
  page = await who.decide(page, 'deny')
  assert.equal(page.url.origin, apache.base)
  refused(who, page, 'access_denied')
  assert.notEqual((await who.go(`${apache.base}/account/`)).url.origin, apache.base)
})

test('a wrong password leads nowhere, the right one behind it does', async () => {
  const who = person()
  let page = await who.login(await who.go(`${apache.base}/account/`), 'carol', 'not-it')
  assert.equal(page.url.port, String(usher.port))
  page = await who.login(page, 'carol', PASSWORD)
  page = await who.decide(page, 'allow')
  assert.equal(page.headers.get('x-user'), 'carol')
})

test('prompt=none: an error without a session, in without a page with one and saved consent', async () => {
  const who = person()
  const none = await who.go(`${apache.base}/account/quiet/`)
  refused(who, none, 'login_required')
  await signIn(who, 'dave', { save: true })
  // The application forgets dave, Usher does not.
  for (const name of [...who.cookies.keys()]) if (name.startsWith('mod_auth_openidc')) who.cookies.delete(name)
  who.visited.length = 0
  const page = await who.go(`${apache.base}/account/quiet/`)
  assert.equal(page.status, 200, page.text)
  assert.equal(page.headers.get('x-user'), 'dave')
  assert.ok(who.visited.some(({ url, status }) => url.includes('/authorize?') && url.includes('prompt=none') && status === 302))
  assert.ok(!who.visited.some(({ url }) => url.includes('/XUI/')))
})

test('logging out at the application revokes its tokens; Usher asks anew only for what was not saved', async () => {
  const who = person()
  const { token } = await signIn(who)
  assert.equal(await active(token), true)
  const page = await who.go(`${apache.base}/account/callback?logout=${encodeURIComponent(`${apache.base}/bye.html`)}`)
  assert.equal(page.text, 'bye\n')
  assert.equal(await active(token), false)
  // Bob is still logged in at Usher, so that only his consent is asked for.
  const again = await who.go(`${apache.base}/account/`)
  assert.ok(again.forms.some(({ fields }) => fields.some((f) => f.name === 'decision')), again.text)
  const gone = await who.go(`${apache.base}/account/callback?logout=${encodeURIComponent('https://elsewhere.example/')}`)
  assert.equal(gone.url.origin, apache.base)
  assert.match(gone.text, /<title>Error<\/title>/)
})

test('tokens are renewed while the person may be here; whose consent is withdrawn is out with the next renewal', async () => {
  const lifetime = async (seconds) => {
    await administer(dir, 'settings', 'set', `accessTokenLifetime=${seconds}`)
    assert.ok(await within(5000, async () => (await usher.token('bob', 'UMA-Client', 'openid')).expires_in === seconds))
  }
  await lifetime(30) // the sample renews what has less than a minute left
  const who = person()
  const first = await signIn(who, 'carol')
  const second = seen(await who.go(`${apache.base}/account/`))
  assert.equal(second.user, 'carol')
  assert.notEqual(second.token, first.token)
  assert.equal(await active(second.token), true)
  const sso = await usher.sso('carol')
  const r = await usher.request('DELETE', `${usher.json}/users/carol/oauth2/applications/${CLIENT}`, { headers: sso })
  assert.equal(r.status, 200, r.text)
  assert.equal(await active(second.token), false)
  assert.equal((await who.go(`${apache.base}/account/`)).text, 'home\n', apache.log()) // logged out
  assert.equal((await who.go(`${apache.base}/account/`)).url.port, String(usher.port))
  await lifetime(3600)
})

/* JW-19 */
test('a signing key that is rotated while Apache runs: new logins verify with the new key', async () => {
  const kids = async () => (await usher.request('GET', `${usher.oauth}/connect/jwk_uri`)).json.keys.map(({ kid }) => kid)
  await signIn(person())
  const old = await kids()
  const made = await administer(dir, 'key', 'rotate', '--alg', 'RS256')
  for (const end = Date.now() + 3000; (await kids()).length === old.length; await new Promise((resolve) => setTimeout(resolve, 50)))
    assert.ok(Date.now() < end, 'the new key is not published')
  const now = await kids()
  for (const kid of old) assert.ok(now.includes(kid), 'the old key is still published')
  assert.ok(now.some((kid) => made.includes(kid) && !old.includes(kid)), made)
  const r = await signIn(person())
  assert.equal(r.user, 'bob')
})

test('an answer counts only in the browser that asked', async () => {
  const who = person()
  await signIn(who)
  const back = who.visited.find(({ url }) => url.startsWith(`${apache.base}/account/callback?`)).url
  const stolen = await person().go(back)
  assert.deepEqual([stolen.url.pathname, stolen.headers.get('x-user') || null], ['/account/callback', null])
})
