// Chromium walks the pages as people meet them: login, consent, claims gathering, the signed-in page, errors. With and without JavaScript,
// in both languages, light and dark, wide and narrow, by mouse and by keyboard. Each page is looked at (tests/net/browser.mjs): nothing
// logged, nobody else asked, nothing for axe to find; build/screenshots keeps how it looked.
import assert from 'node:assert/strict'
import { createHmac, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import http from 'node:http'
import os from 'node:os'
import path from 'node:path'
import { after, before, test } from 'node:test'
import { freePort } from '../net/apache.mjs'
import { Browser } from '../net/browser.mjs'
import { PASSWORD, ROOT, SECRET, UMA_GRANT, Usher } from '../net/usher.mjs'
import { administer, certificate, file, within } from './ops.mjs'

const CLIENT = 'calendar'
const NAME = 'Wall calendar'
let dir, usher, browser, app, appBase, pat, album
let foreign = '' // what the application shows at /foreign
const arrived = [] // addresses at the application

// The texts of the pages by name, as the source has them: {en, de}.
const words = {}
for (const [, name, ...texts] of readFileSync(path.join(ROOT, 'src/endpoint/web/words.def'), 'utf8')
  .matchAll(/^US_WORD\((\w+),\s*((?:"(?:[^"\\]|\\.)*"\s*)+),\s*((?:"(?:[^"\\]|\\.)*"\s*)+)\)/gm)) {
  const [en, de] = texts.map((text) => [...text.matchAll(/"((?:[^"\\]|\\.)*)"/g)].map(([, part]) => part.replace(/\\(.)/g, '$1')).join(''))
  words[name] = { en, de }
}
const word = (visitor, name) => {
  assert.ok(words[name], `words.def has no ${name}`)
  return words[name][visitor.locale]
}

before(async () => {
  browser = await Browser.start()
  app = http.createServer((request, response) => {
    if (request.url !== '/favicon.ico') arrived.push(new URL(request.url, appBase))
    response.setHeader('content-type', 'text/html')
    response.end(`<!doctype html><html lang="en"><link rel="icon" href="data:,"><title>Wall calendar</title>${request.url === '/foreign' ? foreign : '<h1>Wall calendar</h1>'}`)
  })
  await once(app.listen(0, '127.0.0.1'), 'listening')
  appBase = `http://127.0.0.1:${app.address().port}`
  dir = mkdtempSync(path.join(os.tmpdir(), 'usher-browser-'))
  usher = await Usher.start(['demo', '--listen', '127.0.0.1:0', '--data', dir])
  await administer(dir, 'client', 'create', CLIENT, '--name', NAME, '--grants', `authorization_code refresh_token ${UMA_GRANT}`,
    '--scopes', 'openid profile email view', '--redirect-uris', `${appBase}/cb`, '--claims-redirect-uris', `${appBase}/claims`, '--auth-method', 'client_secret_post', '--secret-stdin')
  await administer(dir, 'settings', 'set', 'interactiveClaimsGatheringEnabled=true')
  pat = await usher.pat()
  album = (await usher.send('POST', `${usher.uma}/resource_set`, { name: 'Photo Album', resource_scopes: ['view'] }, pat)).json._id
  await usher.share(await usher.sso(), 'alice', album, [{ subject: 'bob', scopes: ['view'] }, { subject: 'carol', scopes: ['view'] }])
})
after(async () => {
  await browser?.stop()
  app?.closeAllConnections()
  app?.close()
  if (usher) assert.equal(await usher.stop(), 0)
  if (dir) rmSync(dir, { recursive: true, force: true })
})

const visitor = (options) => browser.person({ ...options, hosts: [`${usher.host}:${usher.port}`, new URL(appBase).host] })
const VERIFIER = randomBytes(32).toString('base64url')
const challenge = async () => Buffer.from(await crypto.subtle.digest('SHA-256', Buffer.from(VERIFIER))).toString('base64url')

async function request(more = {}) {
  const url = new URL(`${usher.base}/oauth2/realms/root/realms/alpha/authorize`)
  url.search = new URLSearchParams({ client_id: CLIENT, response_type: 'code', redirect_uri: `${appBase}/cb`, scope: 'openid profile view', state: randomBytes(8).toString('hex'),
    nonce: 'n', code_challenge: await challenge(), code_challenge_method: 'S256', ...more })
  return url.href
}

// What the application was called with when the browser is there.
async function atApplication(v) {
  await v.page.waitForURL(`${appBase}/**`)
  return new URL(v.page.url()).searchParams
}
async function redeemed(code) {
  const r = await usher.form(`${usher.oauth}/access_token`, { grant_type: 'authorization_code', code, redirect_uri: `${appBase}/cb`, code_verifier: VERIFIER, client_id: CLIENT, client_secret: SECRET })
  assert.equal(r.status, 200, r.text)
  return r.json
}

const button = (v, name) => v.page.getByRole('button', { name: word(v, name), exact: true })
async function signIn(v, user, password = PASSWORD) {
  await v.page.locator('[autocomplete=username]').fill(user)
  await v.page.locator('[autocomplete=current-password]').fill(password)
  await button(v, 'SIGN_IN').click()
}

const TOURS = [
  { js: true, locale: 'en', scheme: 'light', width: 1024, user: 'bob' },
  { js: false, locale: 'en', scheme: 'light', width: 1024, user: 'carol' },
  { js: true, locale: 'de', scheme: 'dark', width: 320, user: 'bob' },
  { js: false, locale: 'de', scheme: 'light', width: 320, user: 'carol' },
  { js: true, locale: 'en', scheme: 'dark', width: 1024, user: 'bob' },
]

for (const { user, ...options } of TOURS) {
  const where = `${options.js ? 'with' : 'without'} JavaScript, ${options.locale}, ${options.scheme}, ${options.width} pixels`

  test(`login, consent, remembered consent and its withdrawal, logout: ${where}`, async () => {
    const v = await visitor(options)
    const { page } = v
    await page.goto(await request())
    await v.look('login')
    v.expected = [401]
    await signIn(v, user, 'not-it')
    await page.getByRole('alert').waitFor()
    assert.equal(await page.locator('[autocomplete=username]').inputValue(), user)
    assert.equal(await page.locator('[autocomplete=current-password]').inputValue(), '')
    await v.look('login-wrong')
    v.expected = []
    await signIn(v, user)
    await button(v, 'ALLOW').waitFor()
    const cookies = await v.context.cookies(usher.base)
    assert.ok(cookies.some(({ name }) => name === 'iPlanetDirectoryPro'))
    for (const cookie of cookies) assert.deepEqual([cookie.httpOnly, cookie.sameSite], [true, 'Lax'], cookie.name)
    assert.equal(await page.evaluate(() => document.cookie), '')
    assert.ok((await page.locator('main').innerText()).includes(NAME))
    await v.look('consent')
    await button(v, 'DENY').click()
    assert.equal((await atApplication(v)).get('error'), 'access_denied')

    await page.goto(await request())
    await page.getByLabel(word(v, 'CONSENT_REMEMBER')).check()
    await button(v, 'ALLOW').click()
    const answer = await atApplication(v)
    const tokens = await redeemed(answer.get('code'))
    assert.deepEqual(tokens.scope.split(' ').sort(), ['openid', 'profile', 'view'])

    arrived.length = 0
    await page.goto(await request({ state: 'straight' }))
    assert.equal((await atApplication(v)).get('state'), 'straight')
    await page.goto(await request({ scope: 'openid profile email' }))
    await button(v, 'ALLOW').waitFor() // more than was remembered is asked for
    await page.goto(`${usher.base}/XUI/?realm=/alpha`)
    assert.ok((await page.locator('main').innerText()).includes(NAME))
    await v.look('account')
    await button(v, 'ACCOUNT_WITHDRAW').click()
    await page.waitForFunction((name) => !document.querySelector('main').innerText.includes(name), NAME)
    await v.look('account-withdrawn')
    assert.deepEqual((await usher.form(`${usher.oauth}/introspect`, { token: tokens.access_token, client_id: CLIENT, client_secret: SECRET })).json, { active: false })
    await page.goto(await request())
    await button(v, 'ALLOW').waitFor()

    await page.goto(`${usher.base}/XUI/?realm=/alpha`)
    await button(v, 'SIGN_OUT').click()
    await page.locator('[autocomplete=current-password]').waitFor()
    await v.look('signed-out')
    await page.goto(await request())
    await page.locator('[autocomplete=current-password]').waitFor()
    await v.close()
  })

  test(`claims gathering: ${where}`, async () => {
    const v = await visitor(options)
    const { page } = v
    const grant = async (fields) => usher.form(`${usher.oauth}/access_token`, { grant_type: UMA_GRANT, client_id: CLIENT, client_secret: SECRET, ...fields })
    const gather = async () => {
      const { ticket } = (await usher.send('POST', `${usher.uma}/permission_request`, { resource_id: album, resource_scopes: ['view'] }, pat)).json
      const needed = (await grant({ ticket })).json
      assert.equal(needed.error, 'need_info')
      const url = new URL(needed.redirect_user)
      url.search = new URLSearchParams({ client_id: CLIENT, ticket: needed.ticket, claims_redirect_uri: `${appBase}/claims`, state: 'q7', code_challenge: await challenge(), code_challenge_method: 'S256' })
      await page.goto(url.href)
    }
    await gather()
    await signIn(v, user)
    await button(v, 'ALLOW').waitFor()
    await v.look('claims')
    await page.getByLabel(word(v, 'CLAIMS_REMEMBER')).check()
    await button(v, 'ALLOW').click()
    const answer = await atApplication(v)
    assert.equal(answer.get('state'), 'q7')
    const rpt = await grant({ ticket: answer.get('ticket'), code_verifier: VERIFIER })
    assert.equal(rpt.status, 200, rpt.text)
    assert.ok(rpt.json.pct)
    assert.equal((await usher.introspect(pat, rpt.json.access_token)).json.sub, user)
    await gather()
    await button(v, 'DENY').click()
    const denied = await atApplication(v)
    assert.deepEqual([denied.get('error'), denied.get('ticket'), denied.get('state')], ['access_denied', null, 'q7'])

    // What was remembered speaks for the person until they take it back.
    const asked = async () => (await usher.send('POST', `${usher.uma}/permission_request`, { resource_id: album, resource_scopes: ['view'] }, pat)).json.ticket
    assert.equal((await grant({ ticket: await asked(), pct: rpt.json.pct })).status, 200)
    await page.goto(`${usher.base}/XUI/?realm=/alpha`)
    await page.getByText(word(v, 'CLAIMS_ALLOWED')).waitFor()
    await button(v, 'ACCOUNT_WITHDRAW').click()
    await page.waitForFunction((name) => !document.querySelector('main').innerText.includes(name), NAME)
    assert.equal((await grant({ ticket: await asked(), pct: rpt.json.pct })).json.error, 'need_info')
    await v.close()
  })

  test(`errors are pages that lead nowhere: ${where}`, async () => {
    const v = await visitor(options)
    v.expected = [400, 404]
    arrived.length = 0
    for (const [name, url] of [
      ['error-redirect', await request({ redirect_uri: 'https://evil.example/cb' })],
      ['error-client', await request({ client_id: 'nobody' })],
      ['error-claims', `${usher.base}/uma/realms/root/realms/alpha/claims_gathering?client_id=${CLIENT}&ticket=x&claims_redirect_uri=${encodeURIComponent(`${appBase}/cb`)}`],
    ]) {
      const r = await v.page.goto(url)
      assert.equal(r.status(), 400, name)
      assert.equal(v.page.url(), url)
      assert.equal(await v.page.locator('main [lang=en]').count(), 1) // the reason, in whatever language the page is
      await v.look(name)
    }
    assert.deepEqual(arrived, [])
    await v.close()
  })
}

test('another account takes the place of the one that is signed in', async () => {
  const v = await visitor({})
  await v.page.goto(await request())
  await signIn(v, 'bob')
  await v.page.getByRole('link', { name: word(v, 'CONSENT_OTHER_ACCOUNT') }).click()
  await signIn(v, 'carol')
  await button(v, 'ALLOW').waitFor()
  assert.ok((await v.page.locator('main').innerText()).includes(word(v, 'CONSENT_ACCOUNT').replace('%s', 'carol')))
  await button(v, 'ALLOW').click()
  const tokens = await redeemed((await atApplication(v)).get('code'))
  assert.equal(JSON.parse(Buffer.from(tokens.id_token.split('.')[1], 'base64url')).sub, 'carol')
  await v.close()
})

test('of an application that registered itself people are told, and asked before its mistakes lead anywhere', async () => {
  const r = await usher.send('POST', `${usher.oauth}/register`, { client_name: '<b>Free</b> "prizes"', redirect_uris: [`${appBase}/cb`], token_endpoint_auth_method: 'none', scope: 'openid', grant_types: ['authorization_code'] })
  assert.equal(r.status, 201, r.text)
  for (const options of [{ js: true, locale: 'en' }, { js: false, locale: 'de', width: 320 }]) {
    const v = await visitor(options)
    const { page } = v
    arrived.length = 0
    v.expected = [400]
    await page.goto(await request({ client_id: r.json.client_id, scope: 'openid nonsense' }))
    await signIn(v, 'bob')
    const on = page.getByRole('link', { name: word(v, 'CONSENT_GO_ON') })
    await on.waitFor()
    await v.look('flaw')
    assert.deepEqual(arrived, [])
    await on.click()
    assert.equal((await atApplication(v)).get('error'), 'invalid_scope')
    await page.goto(await request({ client_id: r.json.client_id, scope: 'openid' }))
    assert.equal(await page.getByRole('alert').innerText(), word(v, 'CONSENT_REGISTERED_ITSELF'))
    assert.ok((await page.locator('main').innerText()).includes('<b>Free</b> "prizes"'))
    await v.look('consent-registered')
    await v.close()
  }
})

/* SB-08, SB-20 */
test('a page of somebody else can neither frame the consent page nor send its form', async () => {
  const v = await visitor({})
  const { page } = v
  await page.goto(await request())
  await signIn(v, 'bob')
  await button(v, 'ALLOW').waitFor()
  arrived.length = 0
  const forged = new URL(await request())
  const fields = [...forged.searchParams, ['decision', 'allow']].map(([name, value]) => `<input type="hidden" name="${name}" value="${value}">`).join('')
  foreign = `<iframe src="${forged.href.replaceAll('&', '&amp;')}"></iframe><form method="post" action="${forged.origin}${forged.pathname}">${fields}<button>Win</button></form>`
  await page.goto(`${appBase}/foreign`)
  await page.waitForFunction(() => document.readyState === 'complete')
  assert.deepEqual(page.frames().slice(1).map((frame) => frame.url()), ['chrome-error://chromewebdata/'])
  await page.getByRole('button', { name: 'Win' }).click()
  await page.getByRole('alert').waitFor()
  assert.equal(new URL(page.url()).pathname, forged.pathname)
  assert.deepEqual(arrived.map(({ pathname }) => pathname), ['/foreign'])
  assert.ok(v.faults.some((fault) => /frame-ancestors/.test(fault)), String(v.faults)) // and who watches saw it
  await v.context.close()
})

test('too many attempts', async () => {
  for (const options of [{ js: true, locale: 'en' }, { js: false, locale: 'de', width: 320, scheme: 'dark' }]) {
    const v = await visitor(options)
    v.expected = [401, 429]
    await v.page.goto(await request())
    for (let i = 0; i < 12 && await v.page.locator('[autocomplete=current-password]').count() > 0; i++) {
      await signIn(v, 'mallory', 'guess')
      await v.page.getByRole('alert').waitFor()
      if (await v.page.getByText(word(v, 'ERROR_SLOW_DOWN')).count() > 0) break
    }
    await v.page.getByText(word(v, 'ERROR_SLOW_DOWN')).first().waitFor()
    await v.look('slow-down')
    await v.close()
  }
})

test('who watches the pages sees what is wrong with one', async () => {
  const v = await visitor({ js: true })
  foreign = '<h1>Bad</h1><img src="http://127.0.0.2:9/x.png"><p style="color:#bbb;background:#fff">pale</p><div style="width:3000px">wide</div><script>console.error("oh")</script>'
  await v.page.goto(`${appBase}/foreign`)
  assert.match(v.faults.join('\n'), /asked http:\/\/127\.0\.0\.2:9/)
  assert.match(v.faults.join('\n'), /console: oh/)
  await assert.rejects(v.look('watched'), /wider than the window/)
  assert.match((await v.violations()).join('\n'), /image-alt[\s\S]*color-contrast|color-contrast[\s\S]*image-alt/)
  await v.page.evaluate(() => document.querySelector('div').remove())
  await assert.rejects(v.look('watched'), /pictures that did not come/)
  await v.page.evaluate(() => document.querySelector('img').remove())
  await assert.rejects(v.look('watched'), /no style sheet/)
  await assert.rejects(v.close())
})

test('over TLS and HTTP/2, with a cookie for TLS only', async () => {
  const pair = await certificate(dir, 'tls')
  const port = await freePort()
  const server = await Usher.start(['serve', '--config', file(dir, 'tls.yaml', `listen:
  - { address: 127.0.0.1, port: ${port}, tls: true }
base_url: https://127.0.0.1:${port}/am
store: sqlite:${dir}/usher.db
log: { level: warn }
tls: { certificate: ${pair.certificate}, key: ${pair.key} }
`)])
  const v = await browser.person({ hosts: [`127.0.0.1:${port}`, new URL(appBase).host], trusting: true })
  try {
    const url = new URL(await request())
    await v.page.goto(`https://127.0.0.1:${port}${url.pathname}${url.search}`)
    await signIn(v, 'bob')
    await button(v, 'ALLOW').waitFor()
    assert.equal(await v.page.evaluate(() => performance.getEntriesByType('navigation')[0].nextHopProtocol), 'h2')
    for (const cookie of await v.context.cookies(`https://127.0.0.1:${port}`)) assert.ok(cookie.secure && cookie.httpOnly, cookie.name)
    await v.look('consent-tls')
    await button(v, 'ALLOW').click()
    const answer = await atApplication(v)
    assert.equal(answer.get('iss'), `https://127.0.0.1:${port}/am/oauth2/realms/root/realms/alpha`)
    assert.ok(answer.get('code'))
  } finally {
    await v.close()
    assert.equal(await server.stop(), 0)
  }
})

// Tab until the keyboard is at something called this; everything it was at on the way.
async function tabTo(v, label) {
  const passed = []
  for (let i = 0; i < 20; i++) {
    await v.page.keyboard.press('Tab')
    passed.push(await v.focus())
    if (passed.at(-1) === label) return passed
  }
  throw new Error(`the keyboard never comes to ${label}: ${passed}`)
}

for (const js of [true, false]) {
  test(`by keyboard alone, ${js ? 'with' : 'without'} JavaScript`, async () => {
    const v = await visitor({ js })
    const { page } = v
    await page.goto(await request())
    assert.equal(await v.focus(), word(v, 'LOGIN_NAME'))
    await page.keyboard.type(js ? 'dave' : 'alice')
    assert.deepEqual(await tabTo(v, word(v, 'LOGIN_PASSWORD')), [word(v, 'LOGIN_PASSWORD')])
    await page.keyboard.type(PASSWORD)
    await page.keyboard.press('Enter')
    await button(v, 'ALLOW').waitFor()
    assert.deepEqual(await tabTo(v, word(v, 'DENY')), [word(v, 'CONSENT_OTHER_ACCOUNT'), word(v, 'CONSENT_REMEMBER'), word(v, 'ALLOW'), word(v, 'DENY')])
    await page.keyboard.press('Shift+Tab')
    await page.keyboard.press('Shift+Tab')
    await page.keyboard.press('Space')
    assert.equal(await page.getByLabel(word(v, 'CONSENT_REMEMBER')).isChecked(), true)
    await tabTo(v, word(v, 'ALLOW'))
    // Where the keyboard is can be seen.
    const outline = await page.evaluate(() => { const style = getComputedStyle(document.activeElement); return `${style.outlineStyle} ${parseFloat(style.outlineWidth)}` })
    assert.ok(!outline.startsWith('none') && !outline.endsWith(' 0'), outline)
    await page.keyboard.press('Enter')
    assert.ok((await atApplication(v)).get('code'))
    await page.goto(`${usher.base}/XUI/?realm=/alpha`)
    await tabTo(v, word(v, 'SIGN_OUT'))
    await page.keyboard.press('Enter')
    await page.locator('[autocomplete=current-password]').waitFor()
    await v.close()
  })
}

// RFC 6238 with what `usher user totp` prints.
function code(secret, now = Date.now()) {
  const bits = [...secret].map((c) => 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'.indexOf(c).toString(2).padStart(5, '0')).join('')
  const key = Buffer.from(bits.match(/.{8}/g).map((byte) => parseInt(byte, 2)))
  const counter = Buffer.alloc(8)
  counter.writeBigUInt64BE(BigInt(Math.floor(now / 30000)))
  const mac = createHmac('sha1', key).update(counter).digest()
  const at = mac[19] & 15
  return String((mac.readUInt32BE(at) & 0x7fffffff) % 1000000).padStart(6, '0')
}

for (const options of [{ js: true, locale: 'en', scheme: 'light', width: 1024 }, { js: false, locale: 'de', scheme: 'dark', width: 320 }]) {
  test(`a second factor, ${options.js ? 'with' : 'without'} JavaScript`, async () => {
    const printed = await administer(dir, 'user', 'totp', 'dave', 'enroll')
    const secret = /secret=([A-Z2-7]+)/.exec(printed)[1]
    await administer(dir, 'settings', 'set', 'secondFactorRequired=true')
    const refused = async () => (await usher.form(`${usher.oauth}/access_token`, { grant_type: 'password', scope: 'openid', username: 'dave', password: PASSWORD, client_id: 'UMA-Client', client_secret: SECRET })).status === 500
    assert.ok(await within(5000, refused), 'the setting has no effect')
    try {
      const v = await visitor(options)
      const { page } = v
      await page.goto(await request({ prompt: 'login' }))
      await signIn(v, 'dave')
      const field = page.locator('[autocomplete=one-time-code]')
      await field.waitFor()
      assert.equal(await field.getAttribute('inputmode'), 'numeric')
      await v.look('login-code')
      v.expected = [401]
      await field.fill(code(secret, Date.now() - 3600000))
      await page.keyboard.press('Enter')
      await page.getByRole('alert').waitFor()
      await v.look('login-code-wrong')
      v.expected = []
      if (await field.count() === 0) await signIn(v, 'dave')
      await field.fill(code(secret))
      await page.keyboard.press('Enter')
      await page.waitForURL((url) => !url.pathname.includes('/XUI/'))
      if (!page.url().startsWith(appBase)) await button(v, 'ALLOW').click()
      assert.ok((await atApplication(v)).get('code'))
      await v.close()
    } finally {
      await administer(dir, 'settings', 'set', 'secondFactorRequired=false')
      await administer(dir, 'user', 'totp', 'dave', 'remove')
    }
  })
}
