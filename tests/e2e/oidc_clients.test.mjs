// Two client libraries that know nothing of Usher, openid-client and oauth4webapi, over TLS: discovery, the code flow with PKCE in every way a client can
// authenticate, what becomes of codes and refresh tokens that are shown twice, registration, and the UMA grant after claims gathering.
// What the libraries check by themselves (iss, state, nonce, at_hash, signatures, content types) is part of the test.
import assert from 'node:assert/strict'
import { createHash, randomUUID, X509Certificate } from 'node:crypto'
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { after, before, test } from 'node:test'
import * as oauth from 'oauth4webapi'
import * as openid from 'openid-client'
import { freePort } from '../net/apache.mjs'
import { Person } from '../net/person.mjs'
import { fetchWith } from '../net/fetch.mjs'
import { PASSWORD, SECRET, UMA_GRANT, Usher } from '../net/usher.mjs'
import { administer, certificate, file } from './ops.mjs'

const CALLBACK = 'http://127.0.0.1:9/cb'
const CLAIMS_CALLBACK = 'http://127.0.0.1:9/claims'
const subtle = globalThis.crypto.subtle
let dir, usher, issuer, ca, certificates, plain, uma
const fetches = []
const over = (options) => {
  const made = fetchWith({ ca, ...options })
  fetches.push(made)
  return made
}

before(async () => {
  dir = mkdtempSync(path.join(os.tmpdir(), 'usher-oidc-'))
  const first = await Usher.start(['demo', '--listen', '127.0.0.1:0', '--data', dir]) // makes the demo world, with a store key beside it
  assert.equal(await first.stop(), 0)
  certificates = { server: await certificate(dir, 'server'), ca: await certificate(dir, 'ca'), self: await certificate(dir, 'self'), other: await certificate(dir, 'other') }
  certificates.issued = await certificate(dir, 'issued', certificates.ca)
  mkdirSync(path.join(dir, 'by-nobody'))
  certificates.namesake = await certificate(path.join(dir, 'by-nobody'), 'issued') // the same name, by no authority
  const port = await freePort()
  usher = await Usher.start(['serve', '--config', file(dir, 'usher.yaml', `listen:
  - { address: 127.0.0.1, port: ${port}, tls: true }
base_url: https://127.0.0.1:${port}/am
store: sqlite:${dir}/usher.db
log: { level: warn }
tls: { certificate: ${certificates.server.certificate}, key: ${certificates.server.key}, ask_client_certificate: true }
client_ca_file: ${certificates.ca.certificate}
`)])
  ca = readFileSync(certificates.server.certificate)
  plain = over({})
  issuer = new URL(`https://127.0.0.1:${port}/am/oauth2/realms/root/realms/alpha`)
  uma = `https://127.0.0.1:${port}/am/uma/realms/root/realms/alpha`
  await administer(dir, 'settings', 'set', 'allowDynamicRegistration=true')
})
after(async () => {
  for (const made of fetches) made.close()
  if (usher) assert.equal(await usher.stop(), 0)
  if (dir) rmSync(dir, { recursive: true, force: true })
})

const pem = (pair) => ({ cert: readFileSync(pair.certificate), key: readFileSync(pair.key) })
const configured = (id, metadata, auth, fetch = plain) => openid.discovery(issuer, id, metadata, auth, { [openid.customFetch]: fetch })

// A confidential client that registers itself, with these members; what the server answered.
async function registered(metadata) {
  const r = await plain(`${issuer}/register`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({
    redirect_uris: [CALLBACK], grant_types: ['authorization_code', 'refresh_token'], response_types: ['code'], scope: 'openid profile email', client_name: 'Wall calendar', ...metadata,
  }) })
  const text = await r.text()
  assert.equal(r.status, 201, text)
  return JSON.parse(text)
}

// The code flow by openid-client as far as the answer at the client: {url, checks}.
async function authorized(config, { user = 'bob', scope = 'openid profile email', more = {}, person = new Person({ fetch: plain }) } = {}) {
  const checks = { pkceCodeVerifier: openid.randomPKCECodeVerifier(), expectedState: openid.randomState(), expectedNonce: openid.randomNonce(), idTokenExpected: true }
  const url = openid.buildAuthorizationUrl(config, {
    redirect_uri: CALLBACK, scope, state: checks.expectedState, nonce: checks.expectedNonce,
    code_challenge: await openid.calculatePKCECodeChallenge(checks.pkceCodeVerifier), code_challenge_method: 'S256', ...more,
  })
  return { url: await person.through(url, user, PASSWORD), checks, person }
}
const flow = async (config, options) => {
  const { url, checks } = await authorized(config, options)
  return openid.authorizationCodeGrant(config, url, checks)
}
const active = async (config, token) => (await openid.tokenIntrospection(config, token)).active

// Everything a client does with its tokens, once.
async function whole(config, user = 'bob') {
  const tokens = await flow(config, { user })
  assert.equal(tokens.claims().sub, user)
  assert.equal(tokens.scope.split(' ').sort().join(' '), 'email openid profile')
  const info = await openid.fetchUserInfo(config, tokens.access_token, user)
  assert.ok(info.name && info.email, JSON.stringify(info))
  assert.equal((await openid.tokenIntrospection(config, tokens.access_token)).sub, user)
  const renewed = await openid.refreshTokenGrant(config, tokens.refresh_token)
  assert.equal(renewed.claims().sub, user)
  assert.notEqual(renewed.refresh_token, tokens.refresh_token)
  await openid.tokenRevocation(config, renewed.refresh_token)
  assert.equal(await active(config, renewed.access_token), false)
  return tokens
}

const demo = () => configured('UMA-Client', SECRET, openid.ClientSecretPost(SECRET))
const keyPair = async (algorithm) => {
  const pair = await subtle.generateKey(algorithm, true, ['sign', 'verify'])
  return { ...pair, jwk: { ...await subtle.exportKey('jwk', pair.publicKey), key_ops: undefined, ext: undefined, use: 'sig', kid: randomUUID() } }
}
const ES256 = { name: 'ECDSA', namedCurve: 'P-256' }
const RS256 = { name: 'RSASSA-PKCS1-v1_5', modulusLength: 2048, publicExponent: new Uint8Array([1, 0, 1]), hash: 'SHA-256' }

/* OC-08, OC-13 */
test('client_secret_post: from discovery to revocation', async () => {
  const config = await demo()
  assert.equal(config.serverMetadata().issuer, String(issuer))
  await whole(config)
})

test('oauth4webapi: the code flow, with every answer validated', async () => {
  const options = { [oauth.customFetch]: plain }
  const client = { client_id: 'UMA-Client-2' }
  const secret = oauth.ClientSecretBasic(SECRET)
  const as = await oauth.processDiscoveryResponse(issuer, await oauth.discoveryRequest(issuer, options))
  const [verifier, state, nonce] = [oauth.generateRandomCodeVerifier(), oauth.generateRandomState(), oauth.generateRandomNonce()]
  const redirect_uri = 'http://127.0.0.1:9/cb2'
  const url = new URL(as.authorization_endpoint)
  url.search = new URLSearchParams({ client_id: client.client_id, response_type: 'code', redirect_uri, scope: 'openid profile', state, nonce,
    code_challenge: await oauth.calculatePKCECodeChallenge(verifier), code_challenge_method: 'S256' })
  const answer = oauth.validateAuthResponse(as, client, await new Person({ fetch: plain }).through(url, 'carol', PASSWORD), state)
  const request = await oauth.authorizationCodeGrantRequest(as, client, secret, answer, redirect_uri, verifier, options)
  const tokens = await oauth.processAuthorizationCodeResponse(as, client, request, { expectedNonce: nonce, requireIdToken: true })
  await oauth.validateApplicationLevelSignature(as, request, options)
  assert.equal(oauth.getValidatedIdTokenClaims(tokens).sub, 'carol')
  const info = await oauth.processUserInfoResponse(as, client, 'carol', await oauth.userInfoRequest(as, client, tokens.access_token, options))
  assert.ok(info.name)
  const seen = await oauth.processIntrospectionResponse(as, client, await oauth.introspectionRequest(as, client, secret, tokens.access_token, options))
  assert.equal(seen.active, true)
  const renewed = await oauth.processRefreshTokenResponse(as, client, await oauth.refreshTokenGrantRequest(as, client, secret, tokens.refresh_token, options))
  assert.equal(oauth.getValidatedIdTokenClaims(renewed).sub, 'carol')
  await oauth.processRevocationResponse(await oauth.revocationRequest(as, client, secret, renewed.refresh_token, options))
})

test('client_secret_basic', async () => {
  const made = await registered({ token_endpoint_auth_method: 'client_secret_basic' })
  await whole(await configured(made.client_id, made.client_secret, openid.ClientSecretBasic(made.client_secret)))
})

test('none: a public client, which cannot do without PKCE', async () => {
  const made = await registered({ token_endpoint_auth_method: 'none', grant_types: ['authorization_code', 'refresh_token'] })
  assert.equal(made.client_secret, undefined)
  const config = await configured(made.client_id, undefined, openid.None())
  const tokens = await flow(config)
  assert.equal(tokens.claims().sub, 'bob')
  assert.ok((await openid.refreshTokenGrant(config, tokens.refresh_token)).access_token)
  const bare = openid.buildAuthorizationUrl(await configured('Public-Client', undefined, openid.None()), { redirect_uri: 'http://127.0.0.1:9/pub', scope: 'openid', state: 's' })
  const answer = await new Person({ fetch: plain }).through(bare, 'bob', PASSWORD)
  assert.deepEqual([answer.pathname, answer.searchParams.get('error'), answer.searchParams.get('state')], ['/pub', 'invalid_request', 's'])
})

for (const [name, algorithm] of [['ES256', ES256], ['RS256', RS256]]) {
  test(`private_key_jwt with ${name}`, async () => {
    const { privateKey, jwk } = await keyPair(algorithm)
    const made = await registered({ token_endpoint_auth_method: 'private_key_jwt', token_endpoint_auth_signing_alg: name, jwks: { keys: [jwk] } })
    assert.equal(made.client_secret, undefined)
    await whole(await configured(made.client_id, undefined, openid.PrivateKeyJwt({ key: privateKey, kid: jwk.kid })))
    const stranger = await keyPair(algorithm)
    const other = await configured(made.client_id, undefined, openid.PrivateKeyJwt({ key: stranger.privateKey, kid: jwk.kid }))
    await assert.rejects(openid.refreshTokenGrant(other, 'x'), { error: 'invalid_client' })
  })
}

test('client_secret_jwt', async () => {
  const made = await registered({ token_endpoint_auth_method: 'client_secret_jwt' })
  await whole(await configured(made.client_id, made.client_secret, openid.ClientSecretJwt(made.client_secret)))
  const other = await configured(made.client_id, undefined, openid.ClientSecretJwt('another secret that is just as long as theirs'))
  await assert.rejects(openid.refreshTokenGrant(other, 'x'), { error: 'invalid_client' })
})

/* SB-18 */
test('an assertion counts once', async () => {
  const { privateKey, jwk } = await keyPair(ES256)
  const made = await registered({ token_endpoint_auth_method: 'private_key_jwt', jwks: { keys: [jwk] } })
  const jti = randomUUID()
  const auth = openid.PrivateKeyJwt({ key: privateKey, kid: jwk.kid }, { [openid.modifyAssertion]: (header, payload) => { payload.jti = jti } })
  const config = await configured(made.client_id, undefined, auth)
  await assert.rejects(openid.refreshTokenGrant(config, 'x'), { error: 'invalid_grant' }) // the client is known
  await assert.rejects(openid.refreshTokenGrant(config, 'x'), { error: 'invalid_client' })
})

// The certificate's key as a JWK, and the thumbprint by which tokens are bound to it.
function certificateKey(pair) {
  const certificate = new X509Certificate(readFileSync(pair.certificate))
  const jwk = { ...certificate.publicKey.export({ format: 'jwk' }), use: 'sig', kid: randomUUID(), x5c: [certificate.raw.toString('base64')] }
  return { jwk, thumbprint: createHash('sha256').update(certificate.raw).digest('base64url') }
}

for (const [method, name, strangers, metadata] of [
  ['self_signed_tls_client_auth', 'self', ['other', 'issued'], () => ({ jwks: { keys: [certificateKey(certificates.self).jwk] } })],
  ['tls_client_auth', 'issued', ['self', 'other', 'namesake'], () => ({ tls_client_auth_subject_dn: 'CN=issued' })],
]) {
  test(`${method}, with tokens bound to the certificate`, async () => {
    const made = await registered({ token_endpoint_auth_method: method, tls_client_certificate_bound_access_tokens: true, ...metadata() })
    assert.equal(made.client_secret, undefined)
    const config = await configured(made.client_id, undefined, openid.TlsClientAuth(), over(pem(certificates[name])))
    assert.ok(config.serverMetadata().token_endpoint_auth_methods_supported.includes(method))
    assert.equal(config.serverMetadata().tls_client_certificate_bound_access_tokens, true)
    const tokens = await whole(config)
    const bound = await flow(config)
    assert.equal(bound.claims().sub, tokens.claims().sub)
    assert.equal((await openid.tokenIntrospection(config, bound.access_token)).cnf['x5t#S256'], certificateKey(certificates[name]).thumbprint)
    assert.equal((await openid.fetchUserInfo(config, bound.access_token, 'bob')).sub, 'bob')
    for (const fetch of [plain, ...strangers.map((stranger) => over(pem(certificates[stranger])))]) {
      const other = await configured(made.client_id, undefined, openid.TlsClientAuth(), fetch)
      await assert.rejects(openid.refreshTokenGrant(other, bound.refresh_token), { error: 'invalid_client' })
      await assert.rejects(openid.fetchUserInfo(other, bound.access_token, 'bob'), ({ cause }) => cause?.[0]?.parameters?.error === 'invalid_token')
    }
    assert.ok((await openid.refreshTokenGrant(config, bound.refresh_token)).access_token)
  })
}

/* SB-04 */
test('the answer carries iss, and the library looks at it', async () => {
  const config = await demo()
  const { url, checks } = await authorized(config)
  assert.equal(url.searchParams.get('iss'), String(issuer))
  const without = new URL(url)
  without.searchParams.delete('iss')
  await assert.rejects(openid.authorizationCodeGrant(config, without, checks), ({ cause }) => /"iss"/.test(cause.message))
  const mixed = new URL(url)
  mixed.searchParams.set('iss', 'https://127.0.0.1/am/oauth2')
  await assert.rejects(openid.authorizationCodeGrant(config, mixed, checks), ({ cause }) => /"iss"/.test(cause.message))
  assert.ok((await openid.authorizationCodeGrant(config, url, checks)).access_token)
})

/* OA-15, OA-17 */
test('a code that is shown twice is refused, and its tokens end', async () => {
  const config = await demo()
  const { url, checks } = await authorized(config)
  const tokens = await openid.authorizationCodeGrant(config, url, checks)
  assert.equal(await active(config, tokens.access_token), true)
  await assert.rejects(openid.authorizationCodeGrant(config, url, checks), { error: 'invalid_grant' })
  assert.equal(await active(config, tokens.access_token), false)
  await assert.rejects(openid.refreshTokenGrant(config, tokens.refresh_token), { error: 'invalid_grant' })
})

test('of ten that show one code at once, one gets tokens, and none keeps them', async () => {
  const config = await demo()
  const { url, checks } = await authorized(config)
  const answers = await Promise.allSettled(Array.from({ length: 10 }, () => openid.authorizationCodeGrant(config, url, checks)))
  const good = answers.filter(({ status }) => status === 'fulfilled')
  assert.equal(good.length, 1)
  for (const { reason } of answers.filter(({ status }) => status === 'rejected')) assert.equal(reason.error, 'invalid_grant')
  assert.equal(await active(config, good[0].value.access_token), false)
})

/* OA-16, PK-03 */
test('a code is worth nothing with another verifier, without one, for another client, or at another address', async () => {
  const config = await demo()
  const other = await configured('UMA-Client-2', SECRET, openid.ClientSecretPost(SECRET))
  const refused = async (change, error = 'invalid_grant', as = config) => {
    const { url, checks } = await authorized(config)
    await assert.rejects(openid.authorizationCodeGrant(as, change.url?.(url) ?? url, { ...checks, ...change.checks }), { error })
  }
  await refused({ checks: { pkceCodeVerifier: openid.randomPKCECodeVerifier() } })
  await refused({ checks: { pkceCodeVerifier: undefined } }, 'invalid_request')
  await refused({}, 'invalid_grant', other)
  await refused({ url: (url) => new URL(String(url).replace('/cb?', '/cb2?')) })
})

/* SB-11 */
test('a refresh token that is shown twice ends the family', async () => {
  const config = await demo()
  const first = await flow(config)
  const second = await openid.refreshTokenGrant(config, first.refresh_token)
  await assert.rejects(openid.refreshTokenGrant(config, first.refresh_token), { error: 'invalid_grant' })
  await assert.rejects(openid.refreshTokenGrant(config, second.refresh_token), { error: 'invalid_grant' })
  assert.equal(await active(config, second.access_token), false)
})

/* OC-10, OC-11 */
test('prompt and max_age', async () => {
  const config = await demo()
  const { person } = await authorized(config)
  const none = await authorized(config, { more: { prompt: 'none' }, person: new Person({ fetch: plain }) })
  assert.equal(none.url.searchParams.get('error'), 'login_required')
  await assert.rejects(openid.authorizationCodeGrant(config, none.url, none.checks), { error: 'login_required' })
  const unsaved = await authorized(config, { more: { prompt: 'none' }, person })
  assert.equal(unsaved.url.searchParams.get('error'), 'consent_required')
  await new Promise((resolve) => setTimeout(resolve, 2100))
  person.visited.length = 0
  const { url, checks } = await authorized(config, { more: { max_age: '1' }, person })
  assert.ok(person.visited.some(({ url: asked }) => asked.includes('/XUI/')), 'asked for the password again')
  const tokens = await openid.authorizationCodeGrant(config, url, { ...checks, maxAge: 1 })
  assert.ok(Date.now() / 1000 - tokens.claims().auth_time < 5)
})

/* DR-01, DR-05, DR-07, DR-08, DR-09 */
test('dynamic registration by openid-client, open and by an initial access token; then RFC 7592', async () => {
  const metadata = { redirect_uris: [CALLBACK], grant_types: ['authorization_code', 'refresh_token'], client_name: 'Wall calendar', scope: 'openid profile email', token_endpoint_auth_method: 'client_secret_basic' }
  const config = await openid.dynamicClientRegistration(issuer, metadata, undefined, { [openid.customFetch]: plain })
  assert.ok(config.clientMetadata().client_id)
  await whole(config)

  await administer(dir, 'settings', 'set', 'allowDynamicRegistration=false')
  await administer(dir, 'client', 'create', 'registrar', '--grants', 'client_credentials', '--scopes', 'dynamic_client_registration', '--secret-stdin')
  const registrar = await configured('registrar', SECRET, openid.ClientSecretBasic(SECRET))
  const initialAccessToken = (await openid.clientCredentialsGrant(registrar, { scope: 'dynamic_client_registration' })).access_token
  const alone = () => openid.dynamicClientRegistration(issuer, metadata, undefined, { [openid.customFetch]: plain })
  for (const end = Date.now() + 3000; ;) { // a running server obeys within a second
    const open = await alone().then(() => true, () => false)
    if (!open) break
    assert.ok(Date.now() < end, 'registration stays open')
  }
  const made = (await openid.dynamicClientRegistration(issuer, metadata, undefined, { [openid.customFetch]: plain, initialAccessToken })).clientMetadata()
  await administer(dir, 'settings', 'set', 'allowDynamicRegistration=true')

  const manage = async (method, token, body) => {
    const r = await plain(made.registration_client_uri, { method, headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' }, body: body && JSON.stringify(body) })
    const text = await r.text()
    return { status: r.status, json: text ? JSON.parse(text) : undefined }
  }
  const token = made.registration_access_token
  assert.equal((await manage('GET', 'x')).status, 401)
  const read = await manage('GET', token)
  assert.equal(read.status, 200)
  assert.equal(read.json.client_name, 'Wall calendar')
  const changed = await manage('PUT', read.json.registration_access_token ?? token, { ...metadata, client_id: made.client_id, client_name: 'Desk calendar' })
  assert.equal(changed.status, 200, JSON.stringify(changed.json))
  assert.equal(changed.json.client_name, 'Desk calendar')
  const last = changed.json.registration_access_token ?? token
  assert.equal((await manage('DELETE', last)).status, 204)
  assert.equal((await manage('GET', last)).status, 401)
})

test('what is not built is not in the metadata, and refused', async () => {
  const config = await demo()
  const server = config.serverMetadata()
  for (const name of ['pushed_authorization_request_endpoint', 'device_authorization_endpoint', 'backchannel_authentication_endpoint', 'check_session_iframe',
    'dpop_signing_alg_values_supported'])
    assert.equal(server[name], undefined, name)
  assert.deepEqual([server.request_parameter_supported, server.request_uri_parameter_supported, server.claims_parameter_supported], [false, false, false])
  const answer = async (more) => (await authorized(config, { more })).url.searchParams
  assert.equal((await answer({ response_type: 'token' })).get('error'), 'unsupported_response_type')
  assert.equal((await answer({ request: 'e30.e30.' })).get('error'), 'request_not_supported')
  assert.equal((await answer({ request_uri: 'https://example.com/r' })).get('error'), 'request_uri_not_supported')
  for (const type of ['urn:ietf:params:oauth:grant-type:device_code', 'urn:ietf:params:oauth:grant-type:token-exchange', 'urn:openid:params:grant-type:ciba'])
    await assert.rejects(openid.genericGrantRequest(config, type, {}), { error: 'unsupported_grant_type' })
})

test('the UMA grant after claims gathering, with PKCE on the ticket, and its PCT', async () => {
  await administer(dir, 'settings', 'set', 'interactiveClaimsGatheringEnabled=true')
  const config = await configured('UMA-Client', SECRET, openid.ClientSecretPost(SECRET))
  const rs = await configured('UMA-Resource-Server', SECRET, openid.ClientSecretPost(SECRET))
  const pat = (await openid.genericGrantRequest(rs, 'password', { username: 'alice', password: PASSWORD, scope: 'uma_protection' })).access_token
  const send = async (method, url, body, headers = { authorization: `Bearer ${pat}` }) => {
    const r = await plain(url, { method, headers: { ...headers, 'content-type': 'application/json' }, body: JSON.stringify(body) })
    return { status: r.status, ...await r.json() }
  }
  const album = (await send('POST', `${uma}/resource_set`, { name: 'Gathered', resource_scopes: ['view'] }))._id
  const json = `${new URL(issuer).origin}/am/json/realms/root/realms/alpha`
  const sso = (await send('POST', `${json}/authenticate`, {}, { 'x-openam-username': 'alice', 'x-openam-password': PASSWORD })).tokenId
  await send('PUT', `${json}/users/alice/uma/policies/${album}`, { policyId: album, permissions: [{ subject: 'bob', scopes: ['view'] }] },
    { iplanetdirectorypro: sso, 'accept-api-version': 'resource=1.0' })
  const ask = async () => (await send('POST', `${uma}/permission_request`, { resource_id: album, resource_scopes: ['view'] })).ticket
  const grant = (ticket, more = {}) => openid.genericGrantRequest(config, UMA_GRANT, { ticket, ...more })
  const refusal = async (ticket, more) => grant(ticket, more).then(() => assert.fail('granted'), (error) => error)

  let needed
  for (const end = Date.now() + 3000; ;) { // a running server obeys within a second
    needed = await refusal(await ask())
    assert.equal(needed.error, 'need_info')
    if (needed.cause.redirect_user) break
    assert.ok(Date.now() < end, 'claims are not gathered interactively')
  }
  assert.equal(needed.cause.required_claims, undefined)
  const code_verifier = openid.randomPKCECodeVerifier()
  const gather = async (ticket, decide, person = new Person({ fetch: plain })) => {
    const url = new URL(needed.cause.redirect_user)
    url.search = new URLSearchParams({ client_id: 'UMA-Client', ticket, claims_redirect_uri: CLAIMS_CALLBACK, state: 'a b&c=ü',
      code_challenge: await openid.calculatePKCECodeChallenge(code_verifier), code_challenge_method: 'S256' })
    const page = await person.login(await person.go(url), 'bob', PASSWORD)
    const back = await decide(person, page)
    assert.ok(back.at, back.text)
    assert.equal(back.url.searchParams.get('state'), 'a b&c=ü')
    return back.url.searchParams
  }
  const allowed = await gather(needed.cause.ticket, (person, page) => person.decide(page, 'allow', { save: true }))
  assert.notEqual(allowed.get('ticket'), needed.cause.ticket)
  const rpt = await grant(allowed.get('ticket'), { code_verifier })
  assert.equal(rpt.scope, undefined)
  assert.ok(rpt.pct)
  const seen = await send('GET', `${issuer}/introspect?token=${rpt.access_token}`)
  assert.deepEqual([seen.active, seen.sub, seen.permissions.map((p) => [p.resource_id, p.resource_scopes])], [true, 'bob', [[album, ['view']]]])
  assert.equal((await refusal(allowed.get('ticket'), { code_verifier })).error, 'invalid_grant')

  // The PCT stands for bob, without a browser; for nobody else.
  const again = await grant(await ask(), { pct: rpt.pct })
  assert.equal(again.pct, undefined)
  const other = await configured('UMA-Client-2', SECRET, openid.ClientSecretPost(SECRET))
  await assert.rejects(openid.genericGrantRequest(other, UMA_GRANT, { ticket: await ask(), pct: rpt.pct }), { error: 'need_info' })
  await openid.tokenRevocation(config, rpt.pct, { token_type_hint: 'pct' })
  assert.equal((await refusal(await ask(), { pct: rpt.pct })).error, 'need_info')

  // The verifier is needed, and who says no gets no ticket.
  const once = await gather((await refusal(await ask())).cause.ticket, (person, page) => person.decide(page, 'allow'))
  assert.equal((await refusal(once.get('ticket'), { code_verifier: openid.randomPKCECodeVerifier() })).error, 'invalid_grant')
  const denied = await gather((await refusal(await ask())).cause.ticket, (person, page) => person.decide(page, 'deny'))
  assert.deepEqual([denied.get('error'), denied.get('ticket')], ['access_denied', null])
  await administer(dir, 'settings', 'set', 'interactiveClaimsGatheringEnabled=false')
})
