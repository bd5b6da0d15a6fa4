// `usher audit verify`: a history that was only written fits, beside a running server too; bytes that somebody changed in the file show.
import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { test } from 'node:test'
import { folder, Server, sql, usher, within } from './ops.mjs'

const NAME = 'Ledger-of-1931'

test('usher audit verify walks the history', async (t) => {
  const dir = folder(t)
  const server = await Server.demo(t, dir)
  const store = ['--store', `sqlite:${dir}/usher.db`]
  const verify = (...more) => usher(['audit', 'verify', ...store, ...more])
  const fits = async (realm, lines) => {
    const r = await verify('--realm', realm)
    assert.deepEqual([r.code, r.err], [0, ''])
    const pattern = lines ? `^${realm}  ${lines} lines fit, the last is ${lines} [A-Za-z0-9_-]{43}\n$` : `^${realm}  no lines\n$`
    assert.match(r.out, new RegExp(pattern))
    return r.out.trim().split(' ').pop()
  }
  const before = await fits('/alpha', 0)
  assert.equal(before, 'lines')

  const pat = await server.pat()
  const id = (await server.send('POST', `${server.uma}/resource_set`, { name: NAME, resource_scopes: ['view'] }, pat)).json._id
  await server.share(await server.sso(), 'alice', id, [{ subject: 'bob', scopes: ['view'] }])
  const ticket = (await server.send('POST', `${server.uma}/permission_request`, { resource_id: id, resource_scopes: ['view'] }, pat)).json.ticket
  const idToken = (await server.token('bob', 'UMA-Client', 'openid')).id_token
  assert.equal((await server.grant('UMA-Client', ticket, idToken)).status, 200)

  const hash = await fits('/alpha', 3) // shared, asked for, granted
  const json = await verify('--json')
  const [told] = JSON.parse(json.out)
  assert.ok(Math.abs(Date.parse(told.since) - Date.now()) < 60000)
  assert.deepEqual(told, { realm: '/alpha', intact: true, lines: 3, removed: 0, since: told.since, last: 3, hash })
  const unknown = await verify('--realm', '/nowhere')
  assert.deepEqual([unknown.code, unknown.out], [1, ''])
  assert.match(unknown.err, /no realm \/nowhere/)
  assert.equal((await verify('more')).code, 2)
  assert.equal((await usher(['audit', ...store])).code, 2)

  // Retention takes a line that is old, and the rest still fits. Only the oldest can be made older: the next line shows it otherwise.
  await sql(`${dir}/usher.db`, 'UPDATE audit_event SET event_ms = 1 WHERE id = 1')
  assert.equal((await verify()).code, 1)
  assert.equal((await usher(['settings', 'set', '--realm', '/alpha', ...store, 'auditRetentionDays=1'])).code, 0)
  const gone = await within(20000, async () => (await verify()).code === 0)
  assert.ok(gone, 'the clean-up lets old lines go')
  const rest = await verify('--realm', '/alpha')
  const line = /^(\/alpha {2}2 lines fit, the last is 3 \S+); 1 before (\S+) are removed\n$/.exec(rest.out)
  assert.ok(line, rest.out)
  assert.equal(line[1], `/alpha  2 lines fit, the last is 3 ${hash}`)
  assert.ok(Math.abs(Date.parse(line[2]) - Date.now()) < 60000)

  // The name of the resource stands in each line: the first of them is the first that does not fit.
  assert.equal(await server.stop(), 0)
  await sql(`${dir}/usher.db`, 'DELETE FROM audit_event WHERE id = 3')
  const short = await verify()
  assert.deepEqual([short.code, short.out], [1, `/alpha  line 3 is missing; 1 before ${line[2]} are removed\n`])
  const bytes = readFileSync(`${dir}/usher.db`, 'latin1')
  assert.ok(bytes.includes(NAME))
  writeFileSync(`${dir}/usher.db`, bytes.replaceAll(NAME, NAME.replace('1931', '1932')), 'latin1')
  const broken = await verify()
  assert.deepEqual([broken.code, broken.out], [1, '/alpha  line 2 was changed; 1 before are removed\n'])
  assert.equal(broken.err, 'usher: the history of /alpha is not what was written: line 2 was changed\n')
  const flawed = await verify('--json', '--realm', '/alpha')
  assert.equal(flawed.code, 1)
  assert.deepEqual(JSON.parse(flawed.out), [{ realm: '/alpha', intact: false, lines: 0, removed: 1, line: 2, flaw: 'was changed' }])
  assert.equal((await verify('--realm', '/')).code, 0)
})
