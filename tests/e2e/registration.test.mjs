// A standard client library, oauth4webapi, registers clients (RFC 7591) and uses them; and a client manages itself over the wire
// (RFC 7592), several requests at once.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import * as oauth from 'oauth4webapi'
import { Person } from '../net/person.mjs'
import { ID_TOKEN_FORMAT, PASSWORD, SECRET, UMA_GRANT, Usher } from '../net/usher.mjs'

const http = { [oauth.allowInsecureRequests]: true }
const rs = { client_id: 'UMA-Resource-Server' }
const CALLBACK = 'http://127.0.0.1:9/cb'
const redirect_uris = ['https://app.example/cb']
let usher, as

before(async () => {
  usher = await Usher.start()
  const issuer = new URL(`${usher.base}/oauth2/realms/root/realms/alpha`)
  as = await oauth.processDiscoveryResponse(issuer, await oauth.discoveryRequest(issuer, http))
})
after(async () => assert.equal(await usher.stop(), 0))

const register = async (metadata, options = {}) =>
  oauth.processDynamicClientRegistrationResponse(await oauth.dynamicClientRegistrationRequest(as, metadata, { ...http, ...options }))
const manage = (method, client, body) =>
  fetch(client.registration_client_uri, {
    method,
    headers: { authorization: `Bearer ${client.registration_access_token}`, ...(body && { 'content-type': 'application/json' }) },
    body: body && JSON.stringify(body),
  })

test('DR-01, DR-02: oauth4webapi registers a client, logs bob in with it, and gets an RPT for him', async () => {
  assert.equal(as.registration_endpoint, `${as.issuer}/register`)
  const client = await register({ redirect_uris: [CALLBACK], grant_types: ['authorization_code', UMA_GRANT], client_name: 'Shelf', scope: 'openid view' })
  assert.match(client.client_id, /^[0-9a-f-]{36}$/)
  assert.equal(client.client_secret_expires_at, 0)
  assert.deepEqual([client.client_name, client.scope, client.token_endpoint_auth_method], ['Shelf', 'openid view', 'client_secret_basic'])
  const auth = oauth.ClientSecretBasic(client.client_secret)

  const verifier = oauth.generateRandomCodeVerifier(), state = oauth.generateRandomState()
  const url = new URL(as.authorization_endpoint)
  url.search = new URLSearchParams({ client_id: client.client_id, response_type: 'code', redirect_uri: CALLBACK, scope: 'openid', state,
    code_challenge: await oauth.calculatePKCECodeChallenge(verifier), code_challenge_method: 'S256' })
  const back = oauth.validateAuthResponse(as, client, await new Person().through(url, 'bob', PASSWORD), state)
  const tokens = await oauth.processAuthorizationCodeResponse(as, client,
    await oauth.authorizationCodeGrantRequest(as, client, auth, back, CALLBACK, verifier, http), { requireIdToken: true })
  assert.equal(oauth.getValidatedIdTokenClaims(tokens).sub, 'bob')

  const by = async (who, how, type, params) =>
    oauth.processGenericTokenEndpointResponse(as, who, await oauth.genericTokenEndpointRequest(as, who, how, type, params, http))
  const pat = (await by(rs, oauth.ClientSecretPost(SECRET), 'password', { username: 'alice', password: PASSWORD, scope: 'uma_protection' })).access_token
  const bearer = { authorization: `Bearer ${pat}` }
  const album = (await usher.send('POST', `${usher.uma}/resource_set`, { name: 'Registered', resource_scopes: ['view'] }, bearer)).json._id
  const shared = await usher.send('PUT', `${usher.json}/users/alice/uma/policies/${album}`, { policyId: album, permissions: [{ subject: 'bob', scopes: ['view'] }] }, bearer)
  assert.ok([200, 201].includes(shared.status), shared.text)
  const { ticket } = (await usher.send('POST', `${usher.uma}/permission_request`, { resource_id: album, resource_scopes: ['view'] }, bearer)).json
  const rpt = await by(client, auth, UMA_GRANT, { ticket, claim_token: tokens.id_token, claim_token_format: ID_TOKEN_FORMAT })
  assert.equal(rpt.token_type, 'bearer')
})

test('DR-03, DR-04: a refusal is an error that the library knows', async () => {
  await assert.rejects(register({ redirect_uris: ['http://app.example/cb'] }), { error: 'invalid_redirect_uri' })
  await assert.rejects(register({ redirect_uris, grant_types: ['password'] }), { error: 'invalid_client_metadata' })
})

test('DR-05: a token that is none is refused, in an open realm too', async () => {
  await assert.rejects(register({ redirect_uris }, { initialAccessToken: 'nothing' }), (e) => /WWW-Authenticate/.test(e.message) || e.status === 401)
})

test('DR-07, DR-08, DR-09: a client reads, replaces and ends itself', async () => {
  const client = await register({ redirect_uris, client_name: 'One', logo_uri: 'https://app.example/l.png' })
  const { client_secret, client_secret_expires_at, ...shown } = client
  const read = await manage('GET', client)
  assert.deepEqual([read.status, await read.json()], [200, shown])
  const put = await manage('PUT', client, { client_id: client.client_id, client_secret, redirect_uris, client_name: 'Two' })
  const now = await put.json()
  assert.deepEqual([put.status, now.client_name, now.logo_uri, now.client_secret], [200, 'Two', undefined, undefined])
  const revoke = async () => oauth.revocationRequest(as, client, oauth.ClientSecretBasic(client_secret), 'x', http)
  assert.equal((await revoke()).status, 200)

  // Changes at once: each is whole, the last one wins, and none is lost silently.
  const names = Array.from({ length: 8 }, (_, i) => `Name ${i}`)
  const answers = await Promise.all(names.map((client_name) => manage('PUT', client, { client_id: client.client_id, redirect_uris, client_name })))
  for (const answer of answers) assert.ok([200, 503].includes(answer.status), `${answer.status}`)
  assert.ok(answers.some((answer) => answer.status === 200))
  const after = await (await manage('GET', client)).json()
  assert.ok(names.includes(after.client_name))

  const ends = await Promise.all([1, 2, 3].map(() => manage('DELETE', client)))
  assert.ok(ends.every((answer) => [204, 401].includes(answer.status)) && ends.some((answer) => answer.status === 204))
  assert.equal((await manage('GET', client)).status, 401)
  assert.equal((await revoke()).status, 401)
})
