// `usher explain`: why somebody may do something, or why not, as text and as evaluate answers it.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { album, folder, Server, usher } from './ops.mjs'

test('usher explain says why, as evaluate does', async (t) => {
  const dir = folder(t)
  const server = await Server.demo(t, dir)
  const { id } = await album(server)
  const sso = await server.sso()
  const store = ['--realm', '/alpha', '--store', `sqlite:${dir}/usher.db`]
  const explain = (party, scope, more = [], resource = id) =>
    usher(['explain', ...store, '--resource', resource, '--party', party, '--scope', scope, ...more])
  const text = async (...args) => {
    const r = await explain(...args)
    assert.deepEqual([r.code, r.err], [0, ''])
    return r.out
  }
  const entry = `Album - alice - ${id}-97717`

  assert.equal(await text('bob', 'view edit'),
    `granted view: shared\n    alice shares with bob (${entry})\ndenied  edit: scope not registered\n`)
  assert.equal(await text('carol', 'view'), 'denied  view: no share\n')
  assert.equal(await text('alice', 'view'), 'granted view: owner\n')
  assert.equal(await text('nobody', 'view'), 'denied  view: no share\n')

  const conditions = [{ type: 'Expiration', expirationDate: 1938263100 }, { type: 'ClientId', clientIds: ['UMA-Client'] }]
  const policies = `${server.json}/users/alice/uma/policies`
  const put = await server.send('PUT', `${policies}/${id}`,
    { policyId: id, permissions: [{ subject: 'bob', scopes: ['view'] }], conditions }, sso)
  assert.equal(put.status, 200, put.text)
  const condition = JSON.stringify({ type: 'AND', conditions })
  assert.equal(await text('bob', 'view', ['--client', 'UMA-Client']),
    `granted view: shared, until 2031-06-03T14:25:00Z\n    alice shares with bob (${entry})\n      condition ${condition}\n`)
  assert.equal(await text('bob', 'view', ['--client', 'other']),
    `denied  view: condition not met\n    alice shares with bob (${entry})\n      condition fails ${condition}: 1 of 2 do not hold\n`)

  for (const client of ['UMA-Client', 'other']) {
    const asked = { policyId: id, subject: 'bob', scopes: ['view', 'edit'], clientId: client }
    const evaluated = await server.send('POST', `${policies}?_action=evaluate`, asked, sso)
    assert.equal(evaluated.status, 200, evaluated.text)
    assert.equal(await text('bob', 'view edit', ['--client', client, '--json']), `${evaluated.text}\n`)
  }

  const unknown = await explain('bob', 'view', [], 'none')
  assert.deepEqual([unknown.code, unknown.out, unknown.err], [1, '', 'usher: there is no resource none in /alpha\n'])
  const root = await usher(['explain', '--realm', '/', '--store', `sqlite:${dir}/usher.db`, '--resource', id, '--party', 'bob', '--scope', 'view'])
  assert.deepEqual([root.code, root.out], [1, ''])
  for (const missing of ['--resource', '--party', '--scope']) {
    const args = ['explain', ...store, '--resource', id, '--party', 'bob', '--scope', 'view']
    args.splice(args.indexOf(missing), 2)
    const r = await usher(args)
    assert.deepEqual([r.code, r.out], [2, ''])
    assert.match(r.err, /^usher explain: --resource ID, --party NAME and --scope SCOPES are needed/)
  }
  assert.equal(await server.stop(), 0)
})
