// Debian's Apache with mod_oauth2 as a resource server, configured by packaging/apache-oauth2.conf.sample: it introspects each bearer
// token, and opens a folder to those whose RPT permits it.
import assert from 'node:assert/strict'
import { createHash, generateKeyPairSync, X509Certificate } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { after, before, test } from 'node:test'
import { Apache, freePort } from '../net/apache.mjs'
import { fetchWith } from '../net/fetch.mjs'
import { SECRET, Usher } from '../net/usher.mjs'
import { administer, certificate } from './ops.mjs'

const RS = 'UMA-Resource-Server'
let dir, usher, apache, all, pat, sso, idToken, tlsPort, key, certificates

// A folder of the document root for each album; their ids are not known before, so that they are an alias.
const echo = `
<Location "/photos">
  Header always set X-User "expr=%{REMOTE_USER}"
  Header always set X-Permissions "%{OAUTH2_CLAIM_permissions}e"
</Location>
AliasMatch "^/photos/[0-9A-Za-z-]+/.*$" "\${FOLDER}/www/photo.txt"
<Location "/post">
  AuthType oauth2
  OAuth2TokenVerify introspect \${USHER_ISSUER}/introspect introspect.auth=client_secret_post&client_id=\${USHER_CLIENT_ID}&client_secret=\${USHER_CLIENT_SECRET}&expiry=0
  Require valid-user
  Header always set X-User "expr=%{REMOTE_USER}"
</Location>
<Location "/wrong">
  AuthType oauth2
  OAuth2TokenVerify introspect \${USHER_ISSUER}/introspect introspect.auth=client_secret_basic&client_id=\${USHER_CLIENT_ID}&client_secret=not-it&expiry=0
  Require valid-user
</Location>
<Location "/key">
  AuthType oauth2
  OAuth2TokenVerify introspect \${USHER_ISSUER}/introspect introspect.auth=private_key_jwt&client_id=apache-key&jwk=\${JWK}&aud=\${USHER_ISSUER}&expiry=0
  Require valid-user
  Header always set X-User "expr=%{REMOTE_USER}"
</Location>
Listen 127.0.0.1:\${TLS_PORT}
<VirtualHost 127.0.0.1:\${TLS_PORT}>
  SSLEngine on
  SSLCertificateFile \${CERTIFICATE}.pem
  SSLCertificateKeyFile \${CERTIFICATE}.key
  SSLVerifyClient optional_no_ca
  SSLOptions +ExportCertData
</VirtualHost>
<Location "/bound">
  AuthType oauth2
  OAuth2TokenVerify introspect \${USHER_ISSUER}/introspect introspect.auth=client_secret_basic&client_id=\${USHER_CLIENT_ID}&client_secret=\${USHER_CLIENT_SECRET}&expiry=0&type=mtls&mtls.policy=required
  Require valid-user
  Header always set X-User "expr=%{REMOTE_USER}"
</Location>
<Location "/claim">
  AuthType oauth2
  OAuth2TokenVerify introspect \${USHER_ISSUER}/introspect introspect.auth=client_secret_basic&client_id=\${USHER_CLIENT_ID}&client_secret=\${USHER_CLIENT_SECRET}&expiry=0
  Require oauth2_claim scope:uma_protection
</Location>
`
const start = (id, secret, tls) => Apache.start({
  modules: ['oauth2', 'rewrite', 'socache_shmcb', 'ssl'], sample: 'apache-oauth2.conf.sample',
  more: `Define TLS_PORT ${tls}\nDefine CERTIFICATE ${dir}/server\nDefine JWK ${encodeURIComponent(JSON.stringify(key.private))}\n${echo}`,
  defines: { USHER_ISSUER: `${usher.base}/oauth2/realms/root/realms/alpha`, USHER_CLIENT_ID: id, USHER_CLIENT_SECRET: secret },
  files: { 'photo.txt': 'a photo\n', 'post/index.html': 'post\n', 'wrong/index.html': 'wrong\n', 'claim/index.html': 'claim\n', 'key/index.html': 'key\n', 'bound/index.html': 'bound\n' },
})

before(async () => {
  dir = mkdtempSync(path.join(os.tmpdir(), 'usher-apache-store-'))
  usher = await Usher.start(['demo', '--listen', '127.0.0.1:0', '--data', dir])
  const pair = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const jwk = (half) => ({ ...pair[half].export({ format: 'jwk' }), kid: 'apache', use: 'sig', alg: 'RS256' })
  key = { public: jwk('publicKey'), private: jwk('privateKey') }
  certificates = { server: await certificate(dir, 'server'), own: await certificate(dir, 'own'), stranger: await certificate(dir, 'stranger') }
  tlsPort = await freePort()
  apache = await start(RS, SECRET, tlsPort)
  pat = await usher.pat('alice', RS)
  sso = await usher.sso()
  idToken = (await usher.token('bob', 'UMA-Client', 'openid')).id_token
})
after(async () => {
  await apache?.stop()
  await all?.stop()
  if (usher) assert.equal(await usher.stop(), 0)
  if (dir) rmSync(dir, { recursive: true, force: true })
})

async function album(name, scopes = ['view', 'download']) {
  const id = (await usher.send('POST', `${usher.uma}/resource_set`, { name, resource_scopes: scopes }, pat)).json._id
  await share(id, ['view'])
  return id
}
const share = async (id, scopes, subject = 'bob') => assert.ok([200, 201].includes((await usher.share(sso, 'alice', id, [{ subject, scopes }])).status))
async function rpt(ids, more = {}) {
  const wanted = ids.map((id) => ({ resource_id: id, resource_scopes: ['view'] }))
  const { ticket } = (await usher.send('POST', `${usher.uma}/permission_request`, wanted, pat)).json
  const r = await usher.grant('UMA-Client', ticket, idToken, more)
  assert.equal(r.status, 200, r.text)
  return r.json.access_token
}
async function get(target, token, server = apache) {
  const r = await fetch(`${server.base}${target}`, { redirect: 'manual', signal: AbortSignal.timeout(10000), headers: token ? { authorization: `Bearer ${token}` } : {} })
  return { status: r.status, challenge: r.headers.get('www-authenticate'), user: r.headers.get('x-user'), permissions: r.headers.get('x-permissions'), text: await r.text() }
}

test('no token, and tokens that are none, are refused with a challenge', async () => {
  const id = await album('Challenge')
  const none = await get(`/photos/${id}/1`)
  assert.equal(none.status, 401)
  assert.match(none.challenge, /^Bearer /)
  for (const token of ['x', 'a'.repeat(4000), `${await rpt([id])}x`, idToken]) {
    const r = await get(`/photos/${id}/1`, token)
    assert.equal(r.status, 401, token)
    assert.match(r.challenge, /error="invalid_token"/)
  }
})

test('an RPT passes as its requesting party, with its permissions, for its own resource only', async () => {
  const [mine, other] = [await album('Mine'), await album('Other')]
  const token = await rpt([mine])
  const r = await get(`/photos/${mine}/1`, token)
  assert.equal(r.status, 200, apache.log())
  assert.equal(r.text, 'a photo\n')
  assert.equal(r.user, 'bob')
  assert.deepEqual(JSON.parse(r.permissions).map((p) => [p.resource_id, p.resource_scopes]), [[mine, ['view']]])
  assert.equal((await get(`/photos/${other}/1`, token)).status, 403)
  assert.equal((await get(`/photos/${other}/1`, await rpt([mine, other]))).status, 200)
  assert.equal((await get('/photos/', token)).status, 403)
  // An address that looks like a permission opens nothing.
  const forged = encodeURIComponent(` "resource_id": "${other}", "resource_scopes": ["view"]`)
  for (const target of [`/photos/${other}/${forged}`, `/photos/${other}%20${forged}/1`, `/photos/${mine}/..%2f${other}/1`])
    assert.ok([403, 404].includes((await get(target, token)).status), target)
})

test('a PAT is a good token of its owner, and no permission', async () => {
  const id = await album('PAT')
  const token = pat.authorization.slice(7)
  assert.equal((await get(`/photos/${id}/1`, token)).status, 403)
  const r = await get('/post/', token)
  assert.equal(r.status, 200)
  assert.equal(r.user, 'alice')
  assert.equal((await get('/claim/', token)).status, 200)
  assert.equal((await get('/claim/', await rpt([id]))).status, 401) // an RPT has no scope
})

test('the client authenticates by post as well; with a wrong secret nobody passes', async () => {
  const id = await album('Post')
  const token = await rpt([id])
  const r = await get('/post/', token)
  assert.equal(r.status, 200)
  assert.equal(r.user, 'bob')
  assert.equal((await get('/wrong/', token)).status, 401)
  assert.equal((await get('/wrong/', pat.authorization.slice(7))).status, 401)
})

test('a token of another client is unknown here, and known to a client that sees all', async () => {
  const token = (await usher.token('bob', 'UMA-Client', 'openid profile')).access_token
  assert.equal((await get('/post/', token)).status, 401)
  await administer(dir, 'client', 'create', 'apache-all', '--grants', 'client_credentials', '--scopes', 'am-introspect-all-tokens', '--secret-stdin')
  all = await start('apache-all', SECRET, await freePort())
  const r = await get('/post/', token, all)
  assert.equal(r.status, 200, all.log())
  assert.equal(r.user, 'bob')
  const other = await usher.pat('carol', 'UMA-Resource-Server-2')
  assert.equal((await get('/post/', other.authorization.slice(7))).status, 401)
})

test('private_key_jwt', async () => {
  const keys = path.join(dir, 'apache.jwks')
  writeFileSync(keys, JSON.stringify({ keys: [key.public] }))
  await administer(dir, 'client', 'create', 'apache-key', '--grants', 'client_credentials', '--scopes', 'am-introspect-all-tokens', '--auth-method', 'private_key_jwt', '--jwks', keys)
  for (let i = 0; i < 3; i++) { // each time another assertion
    const r = await get('/key/', (await usher.token('bob', 'UMA-Client', 'openid profile')).access_token)
    assert.equal(r.status, 200, apache.log())
    assert.equal(r.user, 'bob')
  }
  assert.equal((await get('/key/', 'x')).status, 401)
})

test('an RPT that is bound to a certificate is good with that certificate alone', async () => {
  const id = await album('Bound')
  const thumbprint = createHash('sha256').update(new X509Certificate(readFileSync(certificates.own.certificate)).raw).digest('base64url')
  const bound = await rpt([id], { cnf_key: Buffer.from(JSON.stringify({ 'x5t#S256': thumbprint })).toString('base64') })
  const bearer = await rpt([id])
  const by = async (token, pair) => {
    const ask = fetchWith({ ca: readFileSync(certificates.server.certificate), ...(pair ? { cert: readFileSync(pair.certificate), key: readFileSync(pair.key) } : {}) })
    const r = await ask(`https://127.0.0.1:${tlsPort}/bound/`, { headers: { authorization: `Bearer ${token}` } })
    ask.close()
    return [r.status, r.headers.get('x-user') || null]
  }
  assert.deepEqual(await by(bound, certificates.own), [200, 'bob'], apache.log())
  for (const [token, pair] of [[bound, certificates.stranger], [bound, undefined], [bearer, certificates.own]])
    assert.deepEqual(await by(token, pair), [401, null])
})

test('with the next request: revoked, withdrawn, narrowed, deleted', async () => {
  const opens = async (id, token) => (await get(`/photos/${id}/1`, token)).status
  const [one, two, three, four] = [await album('1'), await album('2'), await album('3'), await album('4')]
  const tokens = [await rpt([one]), await rpt([two]), await rpt([three, one]), await rpt([four])]
  assert.deepEqual([await opens(one, tokens[0]), await opens(two, tokens[1]), await opens(three, tokens[2]), await opens(four, tokens[3])], [200, 200, 200, 200])
  assert.equal((await usher.form(`${usher.oauth}/token/revoke`, { token: tokens[0], client_id: 'UMA-Client', client_secret: SECRET })).status, 200)
  assert.equal(await opens(one, tokens[0]), 401)
  assert.equal((await usher.request('DELETE', `${usher.json}/users/alice/uma/policies/${two}`, { headers: sso })).status, 200)
  assert.equal(await opens(two, tokens[1]), 401)
  await share(three, ['download'])
  assert.equal(await opens(three, tokens[2]), 403) // good for the first album still
  assert.equal(await opens(one, tokens[2]), 200)
  assert.equal((await usher.request('DELETE', `${usher.uma}/resource_set/${four}`, { headers: pat })).status, 204)
  assert.equal(await opens(four, tokens[3]), 401)
})

test('an RPT that has expired', async () => {
  const id = await album('Expired')
  await administer(dir, 'settings', 'set', 'accessTokenLifetime=2')
  let token, r
  for (const end = Date.now() + 5000; ;) { // a running server obeys within a second
    token = await rpt([id])
    r = await get(`/photos/${id}/1`, token)
    assert.equal(r.status, 200)
    if (JSON.parse(r.permissions)[0].exp - Date.now() / 1000 <= 2) break
    assert.ok(Date.now() < end, 'the setting has no effect')
  }
  await administer(dir, 'settings', 'set', 'accessTokenLifetime=3600')
  await new Promise((resolve) => setTimeout(resolve, JSON.parse(r.permissions)[0].exp * 1000 - Date.now() + 50))
  assert.equal((await get(`/photos/${id}/1`, token)).status, 401)
})

test('without Usher nobody passes', async () => {
  const id = await album('Down')
  const token = await rpt([id])
  assert.equal((await get(`/photos/${id}/1`, token)).status, 200)
  assert.equal(await usher.stop(), 0)
  assert.equal((await get(`/photos/${id}/1`, token)).status, 401)
})
