// Every curl command of the four documentation pages that started Usher (endpoint-resource_set, uma-customization, uma-endpoints,
// uma-resource-sets), run with the real curl against the demo world. Host, token and ids are put in; each slip of the pages stands
// beside its command. uma-customization and uma-endpoints print no command.
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { after, before, test } from 'node:test'
import { promisify } from 'node:util'
import { Usher } from '../net/usher.mjs'

const run = promisify(execFile)
let usher, pat, id

// curl as the page calls it; answers {status, body}.
async function curl(...args) {
  const { stdout } = await run('curl', ['--silent', '--show-error', '--noproxy', '*', '--max-time', '20', '--write-out', '\n%{http_code}', ...args])
  const at = stdout.lastIndexOf('\n')
  return { status: Number(stdout.slice(at + 1)), body: stdout.slice(0, at) }
}
const at = (path) => `${usher.base}${path}`
const bearer = () => `Authorization: Bearer ${pat}`

before(async () => { usher = await Usher.start() })
after(async () => assert.equal(await usher.stop(), 0))

test('uma-resource-sets: acquire a PAT', async () => {
  const r = await curl('--request', 'POST', '--data', 'grant_type=password', '--data', 'scope=uma_protection', '--data', 'username=alice',
    '--data', 'password=Ch4ng31t', '--data', 'client_id=UMA-Resource-Server', '--data', 'client_secret=mySecret',
    at('/oauth2/realms/root/realms/alpha/access_token'))
  assert.equal(r.status, 200)
  const body = JSON.parse(r.body)
  assert.equal(body.scope, 'uma_protection')
  assert.equal(body.token_type, 'Bearer')
  assert.ok(body.expires_in >= 3598 && body.expires_in <= 3600)
  pat = body.access_token
})

test('uma-resource-sets: register', async () => {
  const r = await curl('--request', 'POST', '--header', 'Content-Type: application/json', '--header', bearer(),
    '--header', 'Accept-API-Version: resource=1.0', '--data', `{
       "name" : "Photo Album",
       "icon_uri" : "http://photoz.example.com/icons/flower.png",
       "resource_scopes" : [
           "edit",
           "view",
           "http://photoz.example.com/dev/scopes/print"
       ],
       "labels" : [
           "3D",
           "VIP"
       ],
       "type" : "http://photoz.example.com/dev/rtypes/photoalbum"
   }`, at('/uma/realms/root/realms/alpha/resource_set'))
  assert.equal(r.status, 201)
  const body = JSON.parse(r.body)
  id = body._id
  // Slip: the page shows realm=/ for a resource of a sub-realm. The real realm is written.
  assert.equal(body.user_access_policy_uri, at(`/XUI/?realm=/alpha#uma/share/${id}`))
})

test('uma-resource-sets: list', async () => {
  const r = await curl('--header', bearer(), '--header', 'Accept-API-Version: resource=1.0', at('/uma/realms/root/realms/alpha/resource_set'))
  assert.equal(r.status, 200)
  // Slip: the page prints braces around bare strings; its prose says array.
  assert.deepEqual(JSON.parse(r.body), [id])
})

for (const page of ['uma-resource-sets', 'endpoint-resource_set']) {
  test(`${page}: read`, async () => {
    const r = await curl('--header', bearer(), at(`/uma/realms/root/realms/alpha/resource_set/${id}`))
    assert.equal(r.status, 200)
    const body = JSON.parse(r.body)
    // Slip: the page's answer has the scope "read" and another type and icon than were registered.
    assert.deepEqual(body.resource_scopes, ['edit', 'view', 'http://photoz.example.com/dev/scopes/print'])
    assert.equal(body.name, 'Photo Album')
    assert.deepEqual(body.labels.sort(), ['3D', 'VIP'])
  })
}

test('uma-resource-sets: read an id that does not exist', async () => {
  const r = await curl('--header', bearer(), at('/uma/realms/root/realms/alpha/resource_set/43225628-4c5b-4206-b7cc-5164da81decd0'))
  assert.equal(r.status, 404)
  assert.deepEqual(JSON.parse(r.body), { error: 'not_found', error_description: 'Resource set corresponding to id: 43225628-4c5b-4206-b7cc-5164da81decd0 not found' })
})

test('endpoint-resource_set: the description of the page registers', async () => {
  const r = await curl('--request', 'POST', '--header', 'Content-Type: application/json', '--header', bearer(), '--data', `{
   "resource_scopes": [
       "view", "comment", "download"
   ],
   "name": "My Resource Name",
   "description": "An example resource stored in resourceserver.example.com",
   "type": "https://resourceserver.example.com/resources/",
   "icon_uri": "https://resourceserver.example.com/resources/resources.png"
}`, at('/uma/realms/root/realms/alpha/resource_set'))
  assert.equal(r.status, 201)
})

test('uma-resource-sets: update the resource type', async () => {
  const put = (realm, uuid, end) => curl('--request', 'PUT', '--header', 'Accept-API-Version: protocol=1.0,resource=1.0', '--header', 'Content-Type: application/json',
    '--header', bearer(), '--data', `{"uuid":"${id}","description":"Dynamically created resource type for the UMA resource set. Used to find all Policy Engine Policies that make up an UMA Policy",
     "actions": { "download":true, "view":true, "comment":true, "delete":true }${end} }`, at(`/json${realm}/resourcetypes/${uuid}`))
  // Slips: the URL is the top-level realm's, its id differs from the body's uuid, and the body has a trailing comma, so that it is no JSON.
  assert.equal((await put('', '630a0d-4d86-4b7e-848-3bf7dda7d220', ',')).status, 401)
  assert.equal((await put('/realms/root/realms/alpha', '630a0d-4d86-4b7e-848-3bf7dda7d220', '')).status, 400)
  assert.equal((await put('/realms/root/realms/alpha', id, ',')).status, 400)
  const r = await put('/realms/root/realms/alpha', id, '')
  assert.equal(r.status, 200)
  assert.deepEqual(JSON.parse(r.body).actions, { download: true, view: true, comment: true, delete: true })
  assert.equal(JSON.parse(r.body).uuid, id)
})

test('uma-resource-sets: update (which the page does by a policy)', async () => {
  const policy = (scopes) => ['--request', 'PUT', '--header', 'Content-Type: application/json', '--header', bearer(), '--header', 'Accept-API-Version: resource=1.0',
    '--header', 'If-Match: *', '--data', `{ "policyId": "${id}", "permissions": [ { "subject": "bob", "scopes": ${JSON.stringify(scopes)} } ] }`,
    at(`/json/realms/root/realms/alpha/users/alice/uma/policies/${id}`)]
  // If-Match: * updates; the page starts from a policy that exists.
  assert.equal((await curl(...policy(['view']))).status, 404)
  const create = policy(['view']).map((a) => (a === 'If-Match: *' ? 'If-None-Match: *' : a))
  assert.equal((await curl(...create)).status, 201)
  const r = await curl(...policy(['view', 'comment', 'download', 'delete']))
  assert.equal(r.status, 200)
  const body = JSON.parse(r.body)
  // Slip: the answer of the page carries another id than the request.
  assert.equal(body._id, id)
  assert.equal(body.policyId, id)
  assert.deepEqual(body.permissions[0].scopes.sort(), ['comment', 'delete', 'download', 'view'])
})

test('uma-resource-sets: delete', async () => {
  const call = () => curl('--request', 'DELETE', '--header', bearer(), '--header', 'Accept-API-Version: resource=1.0', at(`/uma/realms/root/realms/alpha/resource_set/${id}`))
  // Slip: the page prints {} while its prose promises an empty body with 204.
  assert.deepEqual(await call(), { status: 204, body: '' })
  assert.equal((await call()).status, 404)
})
