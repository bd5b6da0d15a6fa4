// Clients that authenticate by keys and certificates, against the release binary: the assertions of two standard libraries, certificates
// made by openssl over real TLS and by a trusted proxy's header, and keys fetched from a real HTTPS server.
import assert from 'node:assert/strict'
import http2 from 'node:http2'
import https from 'node:https'
import path from 'node:path'
import { once } from 'node:events'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { test } from 'node:test'
import * as oauth from 'oauth4webapi'
import * as openid from 'openid-client'
import * as jose from 'jose'
import { PASSWORD, SECRET } from '../net/usher.mjs'
import { Server, administer, certificate, file, folder, run, usher, within } from './ops.mjs'

const insecure = { [oauth.allowInsecureRequests]: true }
const ASSERTION = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer'
const REDIRECT = 'https://client.example/cb'

// Registers a client and gives back what the server made of it.
async function register(server, metadata) {
  const r = await server.send('POST', `${server.oauth}/register`, { redirect_uris: [REDIRECT], ...metadata })
  assert.equal(r.status, 201, r.text)
  return r.json
}
async function discover(server) {
  const issuer = new URL(`${server.base}/oauth2/realms/root/realms/alpha`)
  return oauth.processDiscoveryResponse(issuer, await oauth.discoveryRequest(issuer, insecure))
}
const publicJwk = async (pair, kid) => ({ ...(await jose.exportJWK(pair.publicKey)), kid, use: 'sig' })
const assertionOf = (id, aud, pair, { kid = 'k1', alg = 'ES256', jti = crypto.randomUUID(), life = 60 } = {}) =>
  new jose.SignJWT({}).setProtectedHeader({ alg, kid }).setIssuer(id).setSubject(id).setAudience(aud).setJti(jti)
    .setIssuedAt().setExpirationTime(`${life}s`).sign(pair.privateKey)
const shown = (client_assertion) => ({ client_assertion_type: ASSERTION, client_assertion, token: 'x' })

test('SB-18: the assertions of oauth4webapi and openid-client are taken, by both kinds of keys', async (t) => {
  const server = await Server.demo(t, folder(t))
  const as = await discover(server)
  for (const alg of ['ES256', 'RS256']) {
    const pair = await oauth.generateKeyPair(alg, { extractable: true })
    const made = await register(server, { token_endpoint_auth_method: 'private_key_jwt', jwks: { keys: [await publicJwk(pair, 'k1')] } })
    const client = { client_id: made.client_id }
    const auth = oauth.PrivateKeyJwt({ key: pair.privateKey, kid: 'k1' })
    const seen = await oauth.processIntrospectionResponse(as, client, await oauth.introspectionRequest(as, client, auth, 'x', insecure))
    assert.deepEqual(seen, { active: false })
    await oauth.processRevocationResponse(await oauth.revocationRequest(as, client, auth, 'x', insecure))
    // The token endpoint knows the client, so what is wrong is the code.
    const params = { code: 'x', redirect_uri: REDIRECT, code_verifier: oauth.generateRandomCodeVerifier() }
    const refused = await oauth.genericTokenEndpointRequest(as, client, auth, 'authorization_code', params, insecure)
    await assert.rejects(oauth.processGenericTokenEndpointResponse(as, client, refused), { error: 'invalid_grant' })

    const config = await openid.discovery(new URL(as.issuer), made.client_id, {}, openid.PrivateKeyJwt({ key: pair.privateKey, kid: 'k1' }),
      { execute: [openid.allowInsecureRequests] })
    assert.deepEqual(await openid.tokenIntrospection(config, 'x'), { active: false })
    // Somebody else's key.
    const other = oauth.PrivateKeyJwt({ key: (await oauth.generateKeyPair(alg)).privateKey, kid: 'k1' })
    const bad = await oauth.introspectionRequest(as, client, other, 'x', insecure)
    assert.equal(bad.status, 400)
    assert.equal((await bad.json()).error, 'invalid_client')
  }
})

test('SB-18: an assertion counts once, also over a restart', async (t) => {
  const dir = folder(t)
  let server = await Server.demo(t, dir)
  const pair = await oauth.generateKeyPair('ES256', { extractable: true })
  const made = await register(server, { token_endpoint_auth_method: 'private_key_jwt', jwks: { keys: [await publicJwk(pair, 'k1')] } })
  const issuer = (await discover(server)).issuer
  const used = await assertionOf(made.client_id, issuer, pair, { life: 300 })
  assert.equal((await server.form(`${server.oauth}/introspect`, shown(used))).status, 200)
  assert.equal((await server.form(`${server.oauth}/token/revoke`, shown(used))).status, 400)
  // Nine at once: one is the first.
  const raced = await assertionOf(made.client_id, issuer, pair, { life: 300 })
  const answers = await Promise.all(Array.from({ length: 9 }, () => server.form(`${server.oauth}/introspect`, shown(raced))))
  assert.deepEqual(answers.map((r) => r.status).sort(), [200, 400, 400, 400, 400, 400, 400, 400, 400])
  const port = server.port
  assert.equal(await server.stop(), 0)
  server = await Server.launch(t, ['demo', '--listen', `127.0.0.1:${port}`, '--data', dir])
  for (const again of [used, raced]) {
    const r = await server.form(`${server.oauth}/introspect`, shown(again))
    assert.equal(r.status, 400)
    assert.equal(r.json.error, 'invalid_client')
  }
  const fresh = await assertionOf(made.client_id, issuer, pair)
  assert.equal((await server.form(`${server.oauth}/introspect`, shown(fresh))).status, 200)
})

// ---- TLS ----

// A certificate for a client, by openssl.
async function clientCertificate(dir, name, { ca, days = '2', extensions = [] } = {}) {
  const made = { certificate: path.join(dir, `${name}.pem`), key: path.join(dir, `${name}.key`) }
  const r = await run('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', days,
    '-subj', `/O=Test/CN=${name}`, ...extensions.flatMap((e) => ['-addext', e]), '-keyout', made.key, '-out', made.certificate,
    ...(ca ? ['-CA', ca.certificate, '-CAkey', ca.key] : [])])
  assert.equal(r.code, 0, r.err)
  return made
}

// The demo world, served over TLS that asks for certificates, and over a port for the proxy.
async function serveTls(t, more) {
  const dir = folder(t)
  const first = await Server.demo(t, dir)
  const port = first.port
  assert.equal(await first.stop(), 0)
  const own = await certificate(dir, 'server')
  const ca = await clientCertificate(dir, 'authority', { extensions: ['keyUsage=critical,keyCertSign,cRLSign'] })
  const config = file(dir, 'usher.yaml', `listen: [{ address: 127.0.0.1, port: 0, tls: true }, { address: 127.0.0.1, port: ${port} }]\n`
    + `store: "sqlite:${path.join(dir, 'usher.db')}"\ntls: { certificate: ${own.certificate}, key: ${own.key}, ask_client_certificate: true }\n`
    + `client_ca_file: ${ca.certificate}\n${more ?? ''}`)
  const server = await Server.launch(t, ['serve', '--config', config])
  return { dir, server, own, ca, plainPort: port, config }
}

// One form over TLS, with a certificate or without.
function formTls(at, target, fields, cert, { from, headers = {} } = {}) {
  return new Promise((resolve, reject) => {
    const body = new URLSearchParams(fields).toString()
    const identity = cert ? { cert: readFileSync(cert.certificate), key: readFileSync(cert.key) } : {}
    const req = https.request({ host: '127.0.0.1', port: at.server.port, method: 'POST', path: `${at.server.oauth}/${target}`, agent: false,
      ca: readFileSync(at.own.certificate), ...identity, ...(from ? { localAddress: from } : {}),
      headers: { 'content-type': 'application/x-www-form-urlencoded', 'content-length': Buffer.byteLength(body), ...headers } }, (res) => {
      let text = ''
      res.on('data', (chunk) => { text += chunk })
      res.on('end', () => resolve({ status: res.statusCode, json: JSON.parse(text) }))
    })
    req.on('error', reject)
    req.end(body)
  })
}
async function registerTls(at, metadata) {
  const r = await new Promise((resolve, reject) => {
    const body = JSON.stringify({ redirect_uris: [REDIRECT], ...metadata })
    const req = https.request({ host: '127.0.0.1', port: at.server.port, method: 'POST', path: `${at.server.oauth}/register`, agent: false,
      ca: readFileSync(at.own.certificate), headers: { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) } }, (res) => {
      let text = ''
      res.on('data', (chunk) => { text += chunk })
      res.on('end', () => resolve({ status: res.statusCode, text }))
    })
    req.on('error', reject)
    req.end(body)
  })
  assert.equal(r.status, 201, r.text)
  return JSON.parse(r.text)
}
const jwkOf = async (cert, more) => ({ ...(await jose.exportJWK(await jose.importX509(readFileSync(cert.certificate, 'utf8'), 'ES256'))), ...more })
const derOf = (cert) => readFileSync(cert.certificate, 'utf8').replace(/-----[^-]+-----|\s/g, '')

test('a certificate by a trusted authority lets its client in, over TLS', async (t) => {
  const at = await serveTls(t)
  const other = await clientCertificate(at.dir, 'other', { ca: at.ca, extensions: ['subjectAltName=DNS:other.example'] })
  const selfMade = await clientCertificate(at.dir, 'self', { extensions: ['subjectAltName=DNS:client.example'] })
  const mine = await clientCertificate(at.dir, 'mine', { ca: at.ca, extensions: ['subjectAltName=DNS:client.example'] })
  const forServers = await clientCertificate(at.dir, 'web', { ca: at.ca, extensions: ['subjectAltName=DNS:client.example', 'extendedKeyUsage=serverAuth'] })
  const made = await registerTls(at, { token_endpoint_auth_method: 'tls_client_auth', tls_client_auth_san_dns: 'client.example' })
  const ask = async (cert, id = made.client_id) => (await formTls(at, 'introspect', { token: 'x', client_id: id }, cert)).status
  assert.equal(await ask(mine), 200)
  for (const cert of [other, selfMade, forServers, undefined])
    assert.equal(await ask(cert), 400)
  assert.equal(await ask(mine, 'UMA-Client'), 400)
  const byDn = await registerTls(at, { token_endpoint_auth_method: 'tls_client_auth', tls_client_auth_subject_dn: 'CN=mine,O=Test' })
  assert.equal(await ask(mine, byDn.client_id), 200)
  assert.equal(await ask(other, byDn.client_id), 400)
})

test('a certificate of the client\'s own lets it in by its key, or as it is', async (t) => {
  const at = await serveTls(t)
  const mine = await clientCertificate(at.dir, 'mine'), other = await clientCertificate(at.dir, 'other')
  const byKey = await registerTls(at, { token_endpoint_auth_method: 'self_signed_tls_client_auth', jwks: { keys: [await jwkOf(mine)] } })
  const asItIs = await registerTls(at, { token_endpoint_auth_method: 'self_signed_tls_client_auth', jwks: { keys: [await jwkOf(other, { x5c: [derOf(other)] })] } })
  const ask = async (id, cert) => (await formTls(at, 'introspect', { token: 'x', client_id: id }, cert)).status
  assert.equal(await ask(byKey.client_id, mine), 200)
  assert.equal(await ask(byKey.client_id, other), 400)
  assert.equal(await ask(byKey.client_id), 400)
  assert.equal(await ask(asItIs.client_id, other), 200)
  assert.equal(await ask(asItIs.client_id, mine), 400)
  // A key that another certificate is made for is the same key.
  const renewed = { certificate: path.join(at.dir, 'renewed.pem'), key: mine.key }
  assert.equal((await run('openssl', ['req', '-x509', '-new', '-key', mine.key, '-days', '2', '-subj', '/CN=renewed', '-out', renewed.certificate])).code, 0)
  assert.equal(await ask(byKey.client_id, renewed), 200)
})

test('SB-17: the certificate that a proxy tells counts from a trusted proxy only', async (t) => {
  const at = await serveTls(t, 'trusted_proxies: ["127.0.0.9"]\nclient_cert_header: Client-Cert\n')
  const mine = await clientCertificate(at.dir, 'mine', { ca: at.ca, extensions: ['subjectAltName=DNS:client.example'] })
  const made = await registerTls(at, { token_endpoint_auth_method: 'tls_client_auth', tls_client_auth_san_dns: 'client.example' })
  const escaped = encodeURIComponent(readFileSync(mine.certificate, 'utf8'))
  const ask = async (from, value, cert) =>
    (await formTls(at, 'introspect', { token: 'x', client_id: made.client_id }, cert, { from, headers: value === undefined ? {} : { 'client-cert': value } })).status
  for (const value of [`:${derOf(mine)}:`, escaped]) {
    assert.equal(await ask('127.0.0.9', value), 200)
    assert.equal(await ask('127.0.0.1', value), 400) // no certificate, so an id alone
  }
  assert.equal(await ask('127.0.0.9'), 400)
  assert.equal(await ask('127.0.0.9', undefined, mine), 400) // the proxy's own is nobody's
  assert.equal(await ask('127.0.0.1', 'nonsense', mine), 200)
  assert.equal(await ask('127.0.0.9', 'nonsense'), 400)
})

test('authorities are read anew on SIGHUP', async (t) => {
  const at = await serveTls(t)
  const mine = await clientCertificate(at.dir, 'mine', { ca: at.ca, extensions: ['subjectAltName=DNS:client.example'] })
  const made = await registerTls(at, { token_endpoint_auth_method: 'tls_client_auth', tls_client_auth_san_dns: 'client.example' })
  const ask = async () => (await formTls(at, 'introspect', { token: 'x', client_id: made.client_id }, mine)).status
  assert.equal(await ask(), 200)
  const before = readFileSync(at.ca.certificate)
  writeFileSync(at.ca.certificate, 'nonsense')
  at.server.child.kill('SIGHUP')
  assert.ok(await at.server.logged(/kept the old configuration/))
  assert.equal(await ask(), 200)
  const another = await clientCertificate(at.dir, 'another')
  writeFileSync(at.ca.certificate, readFileSync(another.certificate))
  at.server.child.kill('SIGHUP')
  assert.ok(await within(2000, async () => (await ask()) === 400))
  writeFileSync(at.ca.certificate, before)
})

test('what cannot work is refused before the server starts', async (t) => {
  const dir = folder(t)
  const listen = 'listen: [{ address: 127.0.0.1, port: 0 }]\n'
  const own = await certificate(dir, 'server')
  for (const [text, why] of [
    [`${listen}client_ca_file: ${own.certificate}\n`, /client_ca_file: no certificate would be seen/],
    [`${listen}trusted_proxies: [127.0.0.1]\nclient_cert_header: Client-Cert\nclient_ca_file: /nonexistent/ca.pem\n`, /client_ca_file: .*cannot be read/],
    [`${listen}trusted_proxies: [127.0.0.1]\nclient_cert_header: Client-Cert\nclient_ca_file: ${own.key}\n`, /client_ca_file: .*certificate/],
    [`${listen}client_cert_header: Client-Cert\n`, /client_cert_header: counts only from trusted_proxies/],
    [`${listen}trusted_proxies: [127.0.0.1]\nclient_cert_header: "Client Cert"\n`, /client_cert_header: must be the name of a header/],
    [`${listen}trusted_proxies: [127.0.0.1]\nclient_cert_header: authorization\n`, /client_cert_header: must be the name of a header/],
    [`${listen}fetch: { allow: ["10.0.0.0/8"] }\n`, /fetch\.allow: 10\.0\.0\.0\/8 is neither/],
    [`${listen}fetch: { ca_file: /nonexistent/ca.pem }\n`, /fetch\.ca_file: .*cannot be read/],
  ]) {
    const r = await usher(['serve', '--check', '--config', file(dir, 'usher.yaml', text)])
    assert.notEqual(r.code, 0, text)
    assert.match(r.err, why)
  }
})

// ---- Keys that are fetched ----

// An HTTPS server that answers as it is told, and counts: how(req, res).
async function keyServer(t, own, how) {
  const counted = { requests: 0, how }
  const server = https.createServer({ cert: readFileSync(own.certificate), key: readFileSync(own.key) }, (req, res) => {
    counted.requests++
    counted.how(req, res)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => { server.closeAllConnections(); server.close() })
  return Object.assign(counted, { port: server.address().port })
}
async function serveFetching(t, more) {
  const dir = folder(t)
  const first = await Server.demo(t, dir)
  assert.equal(await first.stop(), 0)
  const own = await certificate(dir, 'keys')
  const config = file(dir, 'usher.yaml', `listen: [{ address: 127.0.0.1, port: 0 }]\nstore: "sqlite:${path.join(dir, 'usher.db')}"\n`
    + `pool_threads: 2\nfetch: { ${more}ca_file: ${own.certificate} }\n`)
  // A proxy of the environment is not asked.
  const server = await Server.launch(t, ['serve', '--config', config], { env: { https_proxy: 'http://127.0.0.1:1', ALL_PROXY: 'http://127.0.0.1:1' } })
  return { dir, own, server, issuer: (await discover(server)).issuer }
}

test('JW-20: keys are fetched once, shared by all who wait, and anew when a kid is unknown', async (t) => {
  const at = await serveFetching(t, 'allow: ["127.0.0.1"], ')
  const pair = await oauth.generateKeyPair('ES256', { extractable: true })
  const keys = await keyServer(t, at.own, (req, res) => {
    setTimeout(async () => res.end(JSON.stringify({ keys: [await publicJwk(pair, 'k1')] })), 300)
  })
  const made = await register(at.server, { token_endpoint_auth_method: 'private_key_jwt', jwks_uri: `https://127.0.0.1:${keys.port}/keys` })
  const ask = async (options) => at.server.form(`${at.server.oauth}/introspect`, shown(await assertionOf(made.client_id, at.issuer, pair, options)))
  assert.deepEqual((await Promise.all(Array.from({ length: 20 }, () => ask()))).map((r) => r.status), Array(20).fill(200))
  assert.equal(keys.requests, 1)
  assert.equal((await ask({ kid: 'k2' })).status, 400) // too soon to ask again
  assert.equal((await ask()).status, 200)
  assert.equal(keys.requests, 1)
})

test('JW-20: a slow, endless, large or redirecting server is cut off, and keeps nobody else waiting', async (t) => {
  const at = await serveFetching(t, 'allow: ["127.0.0.1"], ')
  const pair = await oauth.generateKeyPair('ES256', { extractable: true })
  const inside = await keyServer(t, at.own, async (req, res) => res.end(JSON.stringify({ keys: [await publicJwk(pair, 'k1')] })))
  const slow = await keyServer(t, at.own, () => {})
  const ways = {
    endless: (req, res) => { const more = setInterval(() => res.write(' '.repeat(16384)), 5); res.on('close', () => clearInterval(more)) },
    large: (req, res) => { res.setHeader('content-length', 65537); res.end(' '.repeat(65537)) },
    redirect: (req, res) => { res.writeHead(302, { location: `https://127.0.0.1:${inside.port}/` }).end() },
    missing: (req, res) => { res.writeHead(404).end('{"keys":[]}') },
    headers: (req, res) => { for (let i = 0; i < 8; i++) res.setHeader(`x-${i}`, 'a'.repeat(8000)); res.end('{"keys":[]}') },
  }
  const ask = async (id) => (await at.server.form(`${at.server.oauth}/introspect`, shown(await assertionOf(id, at.issuer, pair)))).status
  const slowClients = await Promise.all(Array.from({ length: 6 }, () =>
    register(at.server, { token_endpoint_auth_method: 'private_key_jwt', jwks_uri: `https://127.0.0.1:${slow.port}/keys` })))
  const waiting = slowClients.map((c) => ask(c.client_id))
  await within(2000, () => slow.requests === 6)
  // Six fetches hang, the pool has two threads: a password is still looked at.
  const began = performance.now()
  assert.equal((await at.server.token('bob', 'UMA-Client', 'openid')).token_type, 'Bearer')
  for (const [name, how] of Object.entries(ways)) {
    const bad = await keyServer(t, at.own, how)
    const made = await register(at.server, { token_endpoint_auth_method: 'private_key_jwt', jwks_uri: `https://127.0.0.1:${bad.port}/keys` })
    assert.equal(await ask(made.client_id), 400, name)
    assert.equal(bad.requests, 1, name)
  }
  assert.ok(performance.now() - began < 4000, 'nobody waits for the slow ones')
  assert.equal(inside.requests, 0)
  assert.deepEqual(await Promise.all(waiting), Array(6).fill(400))
  assert.ok(performance.now() - began < 9000)
})

test('DR-10: an address inside is not asked, whatever name leads there', async (t) => {
  const at = await serveFetching(t, '')
  const pair = await oauth.generateKeyPair('ES256', { extractable: true })
  const keys = await keyServer(t, at.own, (req, res) => res.end('{"keys":[]}'))
  const refused = await at.server.send('POST', `${at.server.oauth}/register`, { redirect_uris: [REDIRECT],
    token_endpoint_auth_method: 'private_key_jwt', jwks_uri: `https://127.0.0.1:${keys.port}/` })
  assert.equal(refused.status, 400)
  assert.equal(refused.json.error, 'invalid_client_metadata')
  // Names that the resolver of this machine knows by itself, and an old way to write an address.
  for (const host of ['ip6-localhost', '0x7f000001']) {
    const made = await register(at.server, { token_endpoint_auth_method: 'private_key_jwt', jwks_uri: `https://${host}:${keys.port}/` })
    const r = await at.server.form(`${at.server.oauth}/introspect`, shown(await assertionOf(made.client_id, at.issuer, pair)))
    assert.equal(r.status, 400)
  }
  assert.equal(keys.requests, 0)
  assert.ok(await at.server.logged(/event=fetch.*inside address/))
})

test('tokens that are bound to a certificate are good with it only', async (t) => {
  const at = await serveTls(t)
  await administer(at.dir, 'client', 'create', 'bound-rs', '--grants', 'password refresh_token', '--scopes', 'uma_protection',
    '--auth-method', 'client_secret_post', '--bind-tokens', '--secret-stdin')
  const mine = await clientCertificate(at.dir, 'mine'), other = await clientCertificate(at.dir, 'other')
  const asked = { grant_type: 'password', username: 'alice', password: PASSWORD, scope: 'uma_protection', client_id: 'bound-rs', client_secret: SECRET }
  const without = await formTls(at, 'access_token', asked)
  assert.deepEqual([without.status, without.json.error], [400, 'invalid_request'])
  const pat = (await formTls(at, 'access_token', asked, mine)).json.access_token
  const use = (cert) => formTls(at, 'introspect', { token: pat }, cert, { headers: { authorization: `Bearer ${pat}` } })
  const seen = await use(mine)
  const der = Buffer.from(derOf(mine), 'base64')
  const thumbprint = Buffer.from(await crypto.subtle.digest('SHA-256', der)).toString('base64url')
  assert.deepEqual(seen.json.cnf, { 'x5t#S256': thumbprint })
  for (const cert of [other, undefined]) {
    const r = await use(cert)
    assert.deepEqual([r.status, r.json.error], [401, 'invalid_token'])
  }
  assert.equal((await use(mine)).status, 200)
})

test('client_secret_jwt works where there is a store key, and is not there without', async (t) => {
  const dir = folder(t), plainDir = folder(t)
  const plain = await Server.demo(t, plainDir)
  const without = await discover(plain)
  // A demo makes its own key, or has none: the metadata say which.
  const keyless = !without.token_endpoint_auth_methods_supported.includes('client_secret_jwt')
  if (keyless) {
    const r = await plain.send('POST', `${plain.oauth}/register`, { redirect_uris: [REDIRECT], token_endpoint_auth_method: 'client_secret_jwt' })
    assert.deepEqual([r.status, r.json.error], [400, 'invalid_client_metadata'])
  }
  const first = await Server.demo(t, dir)
  assert.equal(await first.stop(), 0)
  const key = path.join(dir, 'the.key')
  writeFileSync(key, Buffer.from(crypto.getRandomValues(new Uint8Array(32))), { mode: 0o600 })
  const config = file(dir, 'usher.yaml', `listen: [{ address: 127.0.0.1, port: 0 }]\nstore: "sqlite:${path.join(dir, 'usher.db')}"\n`
    + (keyless ? `store_key_file: ${key}\n` : ''))
  const server = await Server.launch(t, ['serve', '--config', config])
  const as = await discover(server)
  assert.ok(as.token_endpoint_auth_methods_supported.includes('client_secret_jwt'))
  assert.ok(as.token_endpoint_auth_signing_alg_values_supported.includes('HS256'))
  const made = await register(server, { token_endpoint_auth_method: 'client_secret_jwt' })
  const client = { client_id: made.client_id }
  const ask = async (auth) => oauth.introspectionRequest(as, client, auth, 'x', insecure)
  assert.deepEqual(await oauth.processIntrospectionResponse(as, client, await ask(oauth.ClientSecretJwt(made.client_secret))), { active: false })
  for (const auth of [oauth.ClientSecretJwt(`${made.client_secret}x`), oauth.ClientSecretPost(made.client_secret), oauth.ClientSecretBasic(made.client_secret)]) {
    const r = await ask(auth)
    assert.equal((await r.json()).error, 'invalid_client')
  }
  // The secret is in the store, but not to be read there.
  for (const name of ['usher.db', 'usher.db-wal'].map((end) => path.join(dir, end)).filter(existsSync))
    assert.ok(!readFileSync(name).includes(made.client_secret), name)
})

test('a certificate counts for each stream of its HTTP/2 connection', async (t) => {
  const at = await serveTls(t)
  const mine = await clientCertificate(at.dir, 'mine', { ca: at.ca, extensions: ['subjectAltName=DNS:client.example'] })
  const made = await registerTls(at, { token_endpoint_auth_method: 'tls_client_auth', tls_client_auth_san_dns: 'client.example' })
  for (const [identity, status] of [[{ cert: readFileSync(mine.certificate), key: readFileSync(mine.key) }, 200], [{}, 400]]) {
    const session = http2.connect(`https://127.0.0.1:${at.server.port}`, { ca: readFileSync(at.own.certificate), ...identity })
    t.after(() => session.destroy())
    const answers = await Promise.all(Array.from({ length: 5 }, async () => {
      const stream = session.request({ ':method': 'POST', ':path': `${at.server.oauth}/introspect`, 'content-type': 'application/x-www-form-urlencoded' })
      stream.end(new URLSearchParams({ token: 'x', client_id: made.client_id }).toString())
      const [headers] = await once(stream, 'response')
      stream.resume()
      return headers[':status']
    }))
    assert.deepEqual(answers, Array(5).fill(status))
    assert.equal(session.alpnProtocol, 'h2')
    session.close()
  }
})
