// Resource sets over the wire: several transactions behind one answer, and two at once.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { Usher } from '../net/usher.mjs'

let usher, alice, pat
const sets = (user) => `${usher.json}/users/${user}/oauth2/resources/sets`
const labels = (user) => `${usher.json}/users/${user}/oauth2/resources/labels`
const count = (replies, status) => replies.filter((r) => r.status === status).length

before(async () => {
  usher = await Usher.start()
  alice = await usher.sso()
  pat = await usher.pat()
})
after(async () => assert.equal(await usher.stop(), 0))

const register = async (name, scopes = ['view']) => {
  const r = await usher.send('POST', `${usher.uma}/resource_set`, { name, resource_scopes: scopes }, pat)
  assert.equal(r.status, 201)
  return r.json._id
}

test('revokeAll withdraws more than fits one transaction, while others go on writing', async () => {
  const ids = await Promise.all(Array.from({ length: 130 }, (_, i) => register(`many ${i}`)))
  const shared = await Promise.all(ids.map((id) => usher.share(alice, 'alice', id, [{ subject: 'bob', scopes: ['view'] }])))
  assert.equal(count(shared, 201), ids.length)
  const bob = await usher.sso('bob')
  const seen = () => usher.send('GET', `${sets('bob')}?_queryFilter=true&_pageSize=1&_totalPagedResultsPolicy=EXACT`, undefined, bob)
  assert.equal((await seen()).json.totalPagedResults, ids.length)
  const [revoked, ...others] = await Promise.all([
    usher.send('POST', `${sets('alice')}?_action=revokeAll`, undefined, alice),
    ...Array.from({ length: 40 }, (_, i) => usher.send('POST', `${usher.uma}/resource_set`, { name: `other ${i}`, resource_scopes: ['view'] }, pat)),
  ])
  assert.equal(revoked.status, 200)
  assert.equal(revoked.text, '{}')
  assert.equal(count(others, 201), 40)
  assert.equal((await seen()).json.totalPagedResults, 0)
})

test('of many who make the same label at once one does', async () => {
  const replies = await Promise.all(Array.from({ length: 20 }, () => usher.send('POST', `${labels('alice')}?_action=create`, { name: 'same', type: 'USER' }, alice)))
  assert.equal(count(replies, 201), 1)
  assert.equal(count(replies, 409), 19)
})

test('of many who label the same revision at once one does', async () => {
  const id = await register('contested')
  const made = await Promise.all(Array.from({ length: 12 }, (_, i) => usher.send('POST', labels('alice'), { name: `mine ${i}`, type: 'USER' }, alice)))
  const read = await usher.send('GET', `${sets('alice')}/${id}`, undefined, alice)
  const replies = await Promise.all(made.map((label) => usher.send('PUT', `${sets('alice')}/${id}`, { labels: [label.json._id] }, { ...alice, 'if-match': read.headers.etag })))
  assert.equal(count(replies, 200), 1)
  assert.equal(count(replies, 412), 11)
  const now = await usher.send('GET', `${sets('alice')}/${id}`, undefined, alice)
  assert.deepEqual(now.json.labels, replies.find((r) => r.status === 200).json.labels)
})

test('of many who change the same resource type at once one does', async () => {
  const id = await register('typed')
  const url = `${usher.json}/resourcetypes/${id}`
  const put = (i) => usher.send('PUT', url, { actions: { [`a${i}`]: true } }, { ...pat, 'if-match': '"1"', 'accept-api-version': 'resource=1.0' })
  const replies = await Promise.all(Array.from({ length: 12 }, (_, i) => put(i)))
  assert.equal(count(replies, 200), 1)
  assert.equal(count(replies, 412), 11)
})
