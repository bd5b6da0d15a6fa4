// A standard client library, oauth4webapi, against the release binary: nothing here knows Usher's own code. What it checks by
// itself (status codes, content types, members, signatures, audiences) is part of the test.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import * as oauth from 'oauth4webapi'
import { ID_TOKEN_FORMAT, PASSWORD, SECRET, UMA_GRANT, Usher } from '../net/usher.mjs'

const http = { [oauth.allowInsecureRequests]: true }
const rs = { client_id: 'UMA-Resource-Server' }
const app = { client_id: 'UMA-Client' }
const secret = oauth.ClientSecretPost(SECRET)
let usher, as

before(async () => {
  usher = await Usher.start()
  const issuer = new URL(`${usher.base}/oauth2/realms/root/realms/alpha`)
  as = await oauth.processDiscoveryResponse(issuer, await oauth.discoveryRequest(issuer, http))
})
after(async () => assert.equal(await usher.stop(), 0))

const grant = async (client, auth, type, params) =>
  oauth.processGenericTokenEndpointResponse(as, client, await oauth.genericTokenEndpointRequest(as, client, auth, type, params, http))
const password = (client, user, scope) => grant(client, secret, 'password', { username: user, password: PASSWORD, scope })

test('metadata of the three documents agree', async () => {
  const uma = (await usher.request('GET', `${usher.uma}/.well-known/uma2-configuration`)).json
  const oauth2 = (await usher.request('GET', `${usher.oauth}/.well-known/oauth-authorization-server`)).json
  for (const member of ['issuer', 'token_endpoint', 'introspection_endpoint', 'revocation_endpoint', 'jwks_uri'])
    assert.ok(uma[member] === as[member] && oauth2[member] === as[member], member)
})

test('the ID token of the password grant validates against the JWKS', async () => {
  const request = await oauth.genericTokenEndpointRequest(as, app, secret, 'password', { username: 'bob', password: PASSWORD, scope: 'openid' }, http)
  const result = await oauth.processGenericTokenEndpointResponse(as, app, request)
  assert.equal(oauth.getValidatedIdTokenClaims(result).sub, 'bob')
  await oauth.validateApplicationLevelSignature(as, request, http)
})

test('refresh rotates, and reuse of the old token ends the family', async () => {
  const first = await password(app, 'bob', 'openid profile')
  const again = async (token) =>
    oauth.processRefreshTokenResponse(as, app, await oauth.refreshTokenGrantRequest(as, app, secret, token, http))
  const second = await again(first.refresh_token)
  assert.notEqual(second.refresh_token, first.refresh_token)
  await assert.rejects(again(first.refresh_token), { error: 'invalid_grant' })
  await assert.rejects(again(second.refresh_token), { error: 'invalid_grant' })
})

test('client credentials with Basic, never for a PAT', async () => {
  const basic = oauth.ClientSecretBasic(SECRET)
  const ask = async (scope) =>
    oauth.processClientCredentialsResponse(as, rs, await oauth.clientCredentialsGrantRequest(as, rs, basic, { scope }, http))
  assert.equal((await ask('openid')).token_type, 'bearer')
  await assert.rejects(ask('uma_protection'), { error: 'invalid_scope' })
})

test('the UMA grant from registration to introspection and revocation', async () => {
  const pat = (await password(rs, 'alice', 'uma_protection')).access_token
  const bearer = { authorization: `Bearer ${pat}` }
  const album = (await usher.send('POST', `${usher.uma}/resource_set`, { name: 'Photo Album', resource_scopes: ['view', 'download'] }, bearer)).json._id
  const ask = async () => (await usher.send('POST', `${usher.uma}/permission_request`, { resource_id: album, resource_scopes: ['view'] }, bearer)).json.ticket
  const claim_token = (await password(app, 'bob', 'openid')).id_token
  const rpt = (ticket) => grant(app, secret, UMA_GRANT, { ticket, claim_token, claim_token_format: ID_TOKEN_FORMAT })

  await assert.rejects(rpt(await ask()), { error: 'request_submitted', status: 403 })
  const sso = await usher.sso()
  const waiting = (await usher.request('GET', `${usher.json}/users/alice/uma/pendingrequests?_queryFilter=true`, { headers: sso })).json
  assert.equal(waiting.resultCount, 1)
  assert.equal((await usher.send('POST', `${usher.json}/users/alice/uma/pendingrequests/${waiting.result[0]._id}?_action=approve`, {}, sso)).status, 200)

  const token = await rpt(await ask())
  assert.equal(token.scope, undefined)
  assert.deepEqual((await usher.introspect(bearer, token.access_token)).json.permissions.map((p) => [p.resource_id, p.resource_scopes]), [[album, ['view']]])

  await oauth.processRevocationResponse(await oauth.revocationRequest(as, app, secret, token.access_token, http))
  assert.deepEqual((await usher.introspect(bearer, token.access_token)).json, { active: false })
})

test('a client introspects its own access token', async () => {
  const token = await password(app, 'bob', 'openid')
  const answer = await oauth.processIntrospectionResponse(as, app, await oauth.introspectionRequest(as, app, secret, token.access_token, http))
  assert.equal(answer.active, true)
  assert.equal(answer.sub, 'bob')
})
