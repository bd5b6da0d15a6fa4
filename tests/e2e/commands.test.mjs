// The command line, which others script against (design, section 4): every command, its page, its exit codes, its JSON; and that a
// running server obeys what was changed beside it, within a second.
import assert from 'node:assert/strict'
import crypto from 'node:crypto'
import { chmodSync, existsSync, readdirSync, readFileSync, realpathSync, statSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { test } from 'node:test'
import { BINARY, PASSWORD, SECRET } from '../net/usher.mjs'
import { administer, album, folder, run, Server, usher, within } from './ops.mjs'

const COMMANDS = ['serve', 'demo', 'realm', 'user', 'group', 'client', 'settings', 'key', 'outbox', 'plugin', 'explain', 'audit', 'routes']
const SECTIONS = ['NAME', 'USAGE', 'DESCRIPTION', 'OPTIONS', 'EXIT CODES', 'EXAMPLES']
const A_SECOND = 1000

async function succeeds(args, options) {
  const r = await usher(args, options)
  assert.deepEqual({ args, code: r.code, err: r.err }, { args, code: 0, err: '' })
  return r.out
}

// Fails with `code` and one line that matches.
async function fails(code, args, pattern, options) {
  const r = await usher(args, options)
  assert.deepEqual({ args, code: r.code, out: r.out }, { args, code, out: '' }, r.err)
  assert.match(r.err, /^usher[^\n]*\n$/, `one line: ${args}`)
  assert.match(r.err, pattern)
}

test('usher --help lists the commands, and each has a page like a man page', async () => {
  const list = await succeeds(['--help'])
  assert.deepEqual([...list.matchAll(/^ {2}([a-z]+) {2,}\S/gm)].map((m) => m[1]), COMMANDS)
  assert.match(await succeeds(['--version']), /^usher \d+\.\d+\.\d+\n$/)
  for (const command of COMMANDS) {
    const page = await succeeds([command, '--help'])
    assert.equal(await succeeds(['help', command]), page)
    assert.deepEqual(page.match(/^[A-Z][A-Z ]+$/gm), SECTIONS, command)
    const section = (name) => page.split(`${name}\n`)[1].split(/^[A-Z][A-Z ]+$/m)[0]
    assert.match(section('NAME'), new RegExp(`^    usher ${command} - [a-z]`))
    for (const code of [0, 1, 2]) assert.match(section('EXIT CODES'), new RegExp(`^    ${code}  \\w`, 'm'))
    const options = [...section('OPTIONS').matchAll(/^ {4}(--[a-z-]+)/gm)].map((m) => m[1])
    for (const [used] of section('USAGE').matchAll(/--[a-z-]+/g)) assert.ok(options.includes(used), `${command}: ${used}`)
    for (const [used] of section('EXAMPLES').matchAll(/--[a-z-]+/g)) assert.ok(options.includes(used), `${command}: ${used}`)
    assert.ok(page.split('\n').every((line) => line.length <= 132), command)
  }
})

test('wrong usage is exit code 2 and one line', async () => {
  const none = await usher([])
  assert.equal(none.code, 2)
  assert.match(none.err, /Usage: usher COMMAND/)
  await fails(2, ['frob'], /no command 'frob'/)
  await fails(2, ['help', 'frob'], /no command 'frob'/)
  for (const command of COMMANDS) await fails(2, [command, '--frob'], new RegExp(`^usher ${command}: --frob`))
  for (const command of ['realm', 'user', 'client', 'settings', 'key']) {
    await fails(2, [command], /see usher/)
    await fails(2, [command, 'frob'], /'frob'/)
    await fails(2, [command, command === 'realm' ? 'delete' : 'list', '--store'], /--store needs a value/)
  }
  for (const args of [['user', 'list'], ['client', 'list'], ['settings', 'get'], ['key', 'list']]) await fails(2, args, /--realm PATH/)
  await fails(2, ['serve'], /--config FILE/)
  for (const args of [[], ['frob'], ['list'], ['check']]) await fails(2, ['plugin', ...args], /list|check/)
  await fails(2, ['serve', '--config', 'x', 'y'], /no arguments/)
  await fails(2, ['routes', 'x'], /no arguments/)
  await fails(2, ['demo', 'x'], /no arguments/)
  await fails(2, ['demo', '--listen', 'nowhere'], /HOST:PORT/)
  await fails(2, ['demo', '--listen', '127.0.0.1:65536'], /HOST:PORT/)
  await fails(2, ['demo', '--clients', '10001'], /up to 10000/)
  await fails(2, ['demo', '--clients', 'some'], /a number/)
  await fails(2, ['demo', '--data', 'a', '--db', 'b'], /exclude/)
  await fails(2, ['realm', 'create', '/a', '/b'], /too many/)
  await fails(2, ['user', 'create', '--realm', '/'], /needs an argument/)
  await fails(2, ['routes', '--json=yes'], /takes no value/)
})

// The files that were built with the binary.
const PLUGINS = path.join(path.dirname(realpathSync(BINARY)), '../../plugins')

test('usher plugin shows what files offer, and what a configuration loads, in the order of calling', async (t) => {
  const dir = folder(t)
  const naming = path.join(PLUGINS, 'naming.so')
  const about = '  abi       1.0, quick\n  method    beforeResourceRegistration\n'
  assert.equal(await succeeds(['plugin', 'check', naming]), `naming 1.0\n  file      ${naming}\n  priority  0\n${about}`)
  assert.equal(await succeeds(['plugin', 'check', naming, '--open']), await succeeds(['plugin', 'check', naming]))
  const shown = { name: 'naming', version: '1.0', priority: 0, abiMajor: 1, abiMinor: 0, quick: true, process: false,
    reloads: false, delivers: false, file: naming, methods: ['beforeResourceRegistration'] }
  assert.deepEqual(JSON.parse(await succeeds(['plugin', 'check', naming, '--json'])), shown)
  await fails(1, ['plugin', 'check', path.join(dir, 'none.so')], /^usher: plugin \S+\/none\.so: cannot be read: No such file or directory$/m)
  await fails(1, ['plugin', 'check', dir], /: is not a regular file$/m)
  const text = path.join(dir, 'text.so')
  writeFileSync(text, 'not a library')
  chmodSync(text, 0o644)
  await fails(1, ['plugin', 'check', text], /^usher: plugin \S+\/text\.so: cannot be loaded: (?!\/proc)/m)

  const script = path.join(dir, 'rules.lua')
  writeFileSync(script, 'function afterResourceShared(policy) end')
  chmodSync(script, 0o600)
  const config = (plugins) => {
    writeFileSync(path.join(dir, 'usher.yaml'), `listen:\n  - { address: 127.0.0.1, port: 0 }\nstore: sqlite:${dir}/usher.db\n${plugins}`)
    return ['--config', path.join(dir, 'usher.yaml')]
  }
  const list = async (plugins, ...more) => JSON.parse(await succeeds(['plugin', 'list', ...config(plugins), '--json', ...more]))
  assert.deepEqual(await list(''), [])
  assert.equal(await succeeds(['plugin', 'list', ...config('')]), '')
  const both = `plugins:\n  - { path: ${PLUGINS}/lua/lua.so, config: { script: ${script} } }\n  - { path: ${naming}, priority: -1, process: true }\n`
  const listed = await list(both)
  assert.deepEqual(listed.map((p) => [p.name, p.priority, p.process, p.methods.length]), [['naming', -1, true, 1], ['lua', 0, false, 11]])
  assert.deepEqual((await list(both, '--open')).map((p) => p.methods), [['beforeResourceRegistration'], ['afterResourceShared']])
  assert.ok(!existsSync(path.join(dir, 'usher.db')))

  writeFileSync(script, 'function (')
  await list(both)
  const refused = await usher(['plugin', 'list', ...config(both), '--open'])
  assert.deepEqual([refused.code, refused.out], [1, ''])
  assert.match(refused.err, /^time=\S+ level=error event=plugin plugin=lua [^\n]*rules\.lua[^\n]*\nusher: plugin \S+lua\.so: lua does not start: open returned 2\n$/)
  await fails(2, ['plugin', 'list', ...config(both), 'x'], /nothing else/)
  await fails(2, ['plugin', 'check', ...config(both), naming], /one FILE/)
  await fails(1, ['plugin', 'list', ...config('plugins:\n  - { priority: 1 }\n')], /plugins\[0\]/)
})

test('what cannot be printed is a failure', async () => {
  const r = await run('sh', ['-c', '"$1" routes > /dev/full', 'sh', BINARY])
  assert.deepEqual([r.code, r.err], [1, 'usher: standard output cannot be written\n'])
})

test('a slip in --store makes no store', async (t) => {
  const dir = folder(t)
  const store = `sqlite:${dir}/none.db`
  for (const args of [['realm', 'list'], ['realm', 'delete', '/'], ['user', 'list', '--realm', '/'], ['key', 'rotate', '--realm', '/']])
    await fails(1, [...args, '--store', store], /there is no store/)
  assert.deepEqual(readdirSync(dir), [])
})

test('realms, users, clients, settings and keys by the command line alone', async (t) => {
  const dir = folder(t)
  const env = { USHER_STORE: `sqlite:${dir}/usher.db` }
  const ok = (args, input) => succeeds(args, { env, input })
  const json = async (args, input) => JSON.parse(await ok([...args, '--json'], input))
  const no = (code, args, pattern, input) => fails(code, args, pattern, { env, input })

  await t.test('realm', async () => {
    await no(1, ['realm', 'create', '/alpha'], /above it/)
    assert.equal(await ok(['realm', 'create', '/']), '/\n')
    assert.equal(statSync(path.join(dir, 'usher.db')).mode & 0o777, 0o600)
    assert.deepEqual(await json(['realm', 'create', '/alpha']), { realm: '/alpha' })
    await no(1, ['realm', 'create', '/alpha'], /exists already/)
    await no(1, ['realm', 'create', 'alpha'], /path like/)
    await no(1, ['realm', 'create', '/a/../b'], /path like/)
    await ok(['realm', 'create', '/alpha/beta'])
    assert.equal(await ok(['realm', 'list']), '/\n/alpha\n/alpha/beta\n')
    await no(1, ['realm', 'delete', '/gamma'], /no realm \/gamma/)
    assert.deepEqual(await json(['realm', 'delete', '/alpha/beta']), { realm: '/alpha/beta' })
    assert.deepEqual(await json(['realm', 'list']), [{ realm: '/', uma: true, oauth2: true }, { realm: '/alpha', uma: true, oauth2: true }])
  })

  await t.test('user: the password comes by standard input only', async () => {
    const realm = ['--realm', '/alpha']
    await no(2, ['user', 'create', ...realm, 'alice', PASSWORD], /too many/)
    await no(2, ['user', 'create', ...realm, 'alice', '--password', PASSWORD], /--password/)
    await no(1, ['user', 'create', ...realm, 'alice'], /standard input/, '')
    await no(1, ['user', 'create', ...realm, 'alice'], /standard input/, '\n')
    assert.deepEqual(await json(['user', 'list', ...realm]), [])
    assert.equal(await ok(['user', 'create', ...realm, 'alice', '--mail', 'a"b@usher.test'], `${PASSWORD}\n`), '')
    assert.deepEqual(await json(['user', 'create', ...realm, 'bob', '--given-name', 'Bob', '--family-name', 'B\u00f6b'], PASSWORD), { name: 'bob' })
    await no(1, ['user', 'create', ...realm, 'ALICE'], /exists already/, PASSWORD)
    assert.deepEqual(await json(['user', 'list', ...realm]), [
      { name: 'alice', mail: 'a"b@usher.test', admin: false, active: true, totp: false },
      { name: 'bob', givenName: 'Bob', sn: 'B\u00f6b', admin: false, active: true, totp: false }])
    assert.equal(await ok(['user', 'list', ...realm]), 'alice\nbob\n')
    assert.deepEqual(await json(['user', 'password', ...realm, 'bob'], 'another\n'), { name: 'bob' })
    await no(1, ['user', 'password', ...realm, 'eve'], /no user eve/, 'x')
    await ok(['user', 'password', ...realm, 'bob'], `${'p'.repeat(1024)}\r\nnot read`)
    for (const n of [1025, 2048, 100000]) await no(1, ['user', 'password', ...realm, 'bob'], /1024 bytes at most/, 'p'.repeat(n))
    await no(1, ['user', 'list', '--realm', '/none'], /no realm \/none/)
    assert.deepEqual(await json(['user', 'delete', ...realm, 'bob']), { name: 'bob' })
    await no(1, ['user', 'delete', ...realm, 'bob'], /no user bob/)
    assert.ok(!readFileSync(path.join(dir, 'usher.db')).includes(PASSWORD))
  })

  await t.test('group', async () => {
    const realm = ['--realm', '/alpha']
    await ok(['user', 'create', ...realm, 'erin'], PASSWORD)
    await no(1, ['group', 'create', ...realm, 'group:x'], /no user name|group name/)
    await no(1, ['group', 'create', ...realm, 'a/b'], /character/)
    await no(1, ['group', 'create', ...realm, 'g'.repeat(250)], /249 bytes/)
    assert.equal(await ok(['group', 'create', ...realm, 'g'.repeat(249)]), '')
    assert.deepEqual(await json(['group', 'delete', ...realm, 'g'.repeat(249)]), { name: 'g'.repeat(249) })
    assert.deepEqual(await json(['group', 'create', ...realm, 'Family']), { name: 'Family' })
    await no(1, ['group', 'create', ...realm, 'family'], /exists already/)
    assert.deepEqual(await json(['group', 'list', ...realm]), [{ name: 'Family' }])
    assert.deepEqual(await json(['group', 'list', ...realm, 'family']), [])
    await no(1, ['group', 'add', ...realm, 'family', 'alice', 'nobody'], /no user nobody/)
    assert.equal(await ok(['group', 'list', ...realm, 'family']), '', 'all or none')
    assert.equal(await ok(['group', 'add', ...realm, 'FAMILY', 'erin', 'Alice']), '')
    assert.equal(await ok(['group', 'list', ...realm, 'family']), 'alice\nerin\n')
    await no(1, ['group', 'add', ...realm, 'family', 'alice'], /alice is already in the group family/)
    await no(1, ['group', 'add', ...realm, 'friends', 'alice'], /no group friends/)
    await no(2, ['group', 'add', ...realm, 'family'], /needs/)
    assert.deepEqual(await json(['group', 'remove', ...realm, 'family', 'alice']), { name: 'family' })
    await no(1, ['group', 'remove', ...realm, 'family', 'alice'], /alice is not in the group family/)
    assert.deepEqual(await json(['group', 'list', ...realm, 'family']), [{ name: 'erin' }])
    await ok(['user', 'delete', ...realm, 'erin'])
    assert.deepEqual(await json(['group', 'list', ...realm, 'family']), [])
    await no(1, ['group', 'list', '--realm', '/', 'family'], /no group family in \//)
    await ok(['group', 'delete', ...realm, 'family'])
    await no(1, ['group', 'delete', ...realm, 'family'], /no group family/)
    assert.deepEqual(await json(['group', 'list', ...realm]), [])
  })

  await t.test('user: profile, off and on again, second factor', async () => {
    const realm = ['--realm', '/alpha']
    const shown = async () => (await json(['user', 'list', ...realm])).find((u) => u.name === 'carol')
    await ok(['user', 'create', ...realm, 'carol', '--locale', 'de-CH', '--given-name', 'Carol'], PASSWORD)
    await no(1, ['user', 'create', ...realm, 'dave', '--locale', 'de_CH'], /language tag/, PASSWORD)
    assert.deepEqual(await shown(), { name: 'carol', givenName: 'Carol', locale: 'de-CH', admin: false, active: true, totp: false })
    assert.deepEqual(await json(['user', 'update', ...realm, 'CAROL', '--locale', 'fr', '--mail', 'c@usher.test', '--given-name', '']), { name: 'CAROL' })
    assert.deepEqual(await shown(), { name: 'carol', mail: 'c@usher.test', locale: 'fr', admin: false, active: true, totp: false })
    await no(2, ['user', 'update', ...realm, 'carol'], /what shall change/)
    await no(2, ['user', 'update', ...realm, 'carol', '--admin'], /--admin is for create/)
    for (const bad of ['d', 'de-', 'de--CH', '1de', 'de CH', 'abcdefghi', `de${'-aaaaaaaa'.repeat(4)}`]) await no(1, ['user', 'update', ...realm, 'carol', '--locale', bad], /language tag/)
    await no(1, ['user', 'update', ...realm, 'eve', '--locale', 'de'], /no user eve/)
    await ok(['user', 'deactivate', ...realm, 'carol'])
    assert.match(await ok(['user', 'list', ...realm]), /^carol {2}inactive$/m)
    assert.deepEqual(await json(['user', 'activate', ...realm, 'carol']), { name: 'carol' })
    assert.equal((await shown()).active, true)
    await no(1, ['user', 'activate', ...realm, 'eve'], /no user eve/)

    const first = await json(['user', 'totp', ...realm, 'carol', 'enroll'])
    assert.match(first.secret, /^[A-Z2-7]{32}$/)
    assert.equal(first.uri, `otpauth://totp/Usher%20%2Falpha:carol?secret=${first.secret}&issuer=Usher%20%2Falpha&algorithm=SHA1&digits=6&period=30`)
    assert.match(await ok(['user', 'list', ...realm]), /^carol {2}totp$/m)
    const second = await ok(['user', 'totp', ...realm, 'carol', 'enroll'])
    assert.match(second, /^secret {2}[A-Z2-7]{32}\nuri {5}otpauth:\/\/totp\//)
    assert.ok(!second.includes(first.secret))
    assert.deepEqual(await json(['user', 'totp', ...realm, 'carol', 'remove']), { name: 'carol' })
    assert.equal((await shown()).totp, false)
    await no(2, ['user', 'totp', ...realm, 'carol', 'forget'], /enroll or remove/)
    await no(2, ['user', 'totp', ...realm, 'carol'], /needs an argument/)
    await no(1, ['user', 'totp', ...realm, 'eve', 'enroll'], /no user eve/)
    await ok(['user', 'delete', ...realm, 'carol'])
  })

  await t.test('client: a secret is printed once and kept as a hash', async () => {
    const realm = ['--realm', '/alpha']
    const made = await ok(['client', 'create', ...realm, 'one', '--scopes', 'a b'])
    const secret = /^client_secret ([\w-]{43})\n$/.exec(made)[1]
    const other = await json(['client', 'create', ...realm, 'two', '--default-scopes', 'a', '--scopes', 'a'])
    assert.deepEqual(Object.keys(other), ['client_id', 'client_secret'])
    assert.notEqual(other.client_secret, secret)
    assert.deepEqual(await json(['client', 'create', ...realm, 'pub', '--public']), { client_id: 'pub' })
    assert.equal(await ok(['client', 'create', ...realm, 'own', '--secret-stdin'], 'a secret of mine\n'), '')
    await no(1, ['client', 'create', ...realm, 'own2', '--secret-stdin'], /standard input/, '')
    await no(1, ['client', 'create', ...realm, 'one'], /exists already/)
    await no(2, ['client', 'create', ...realm, 'x', '--grants', 'pasword'], /no grant type 'pasword'/)
    await no(2, ['client', 'create', ...realm, 'x', '--auth-method', 'none'], /--auth-method/)
    await no(2, ['client', 'create', ...realm, 'x', '--id-token-alg', 'none'], /--id-token-alg/)
    await no(2, ['client', 'create', ...realm, 'x', '--default-scopes', 'a'], /--default-scopes/)
    await no(1, ['client', 'create', ...realm, 'x', '--redirect-uris', 'http://evil.example/'], /another machine/)
    const shown = await json(['client', 'show', ...realm, 'one'])
    assert.deepEqual([shown.client_id, shown.clientType, shown.grantTypes, shown.scopes], ['one', 'Confidential', ['authorization_code'], ['a', 'b']])
    const list = await ok(['client', 'list', ...realm, '--json'])
    assert.deepEqual(JSON.parse(list).map((c) => c.client_id), ['one', 'own', 'pub', 'two'])
    assert.equal(await ok(['client', 'list', ...realm]), 'one\nown\npub  public\ntwo\n')
    assert.ok(!list.includes(secret) && !JSON.stringify(shown).includes(secret))
    for (const name of readdirSync(dir)) {
      const bytes = readFileSync(path.join(dir, name))
      for (const kept of [secret, other.client_secret, 'a secret of mine']) assert.ok(!bytes.includes(kept), `${name} has a secret`)
    }
    assert.deepEqual(await json(['client', 'delete', ...realm, 'two']), { client_id: 'two' })
    await no(1, ['client', 'show', ...realm, 'two'], /no client two/)
  })

  await t.test('client: update changes what is said, and nothing else', async () => {
    const realm = ['--realm', '/alpha']
    const show = () => json(['client', 'get', ...realm, 'three'])
    const update = (...args) => ok(['client', 'update', ...realm, 'three', ...args])
    const refused = (code, text, ...args) => no(code, ['client', 'update', ...realm, 'three', ...args], text)
    const keys = path.join(dir, 'keys.json')
    const key = { kty: 'EC', crv: 'P-256', x: 'f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU', y: 'x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0' }
    writeFileSync(keys, JSON.stringify({ keys: [key] }, null, 2))
    await ok(['client', 'create', ...realm, 'three', '--scopes', 'a b', '--code-lifetime', '60', '--consent-implied', '--claims-redirect-uris', 'https://app.example/c'])
    const first = await show()
    assert.deepEqual([first.authorizationCodeLifetime, first.isConsentImplied, first.mTLSCertificateBoundAccessTokens, first.registeredItself], [60, true, false, false])
    assert.equal(await update('--scopes', 'a uma_protection', '--default-scopes', 'a', '--access-token-lifetime', '77', '--refresh-token-lifetime', '78', '--consent-asked', '--bind-tokens', '--name', 'Three', '--id-token-alg', 'ES256', '--grants', 'password'), '')
    assert.deepEqual(await show(), { ...first, scopes: ['a', 'uma_protection'], defaultScopes: ['a'], accessTokenLifetime: 77, refreshTokenLifetime: 78, isConsentImplied: false, mTLSCertificateBoundAccessTokens: true, displayName: 'Three', idTokenSignedResponseAlg: 'ES256', grantTypes: ['password'] })
    await update('--unbind-tokens', '--name', '', '--default-scopes', '', '--claims-redirect-uris', '')
    const bare = await show()
    assert.deepEqual([bare.mTLSCertificateBoundAccessTokens, bare.displayName, bare.defaultScopes, bare.claimsRedirectionUris], [false, undefined, [], []])

    assert.equal(await update('--auth-method', 'private_key_jwt', '--jwks', keys), '')
    assert.deepEqual((await show()).jwks, { keys: [key] })
    await update('--jwks', '', '--jwks-uri', 'https://app.example/jwks')
    assert.deepEqual([(await show()).jwks, (await show()).jwksUri], [undefined, 'https://app.example/jwks'])
    await update('--jwks-uri', '', '--auth-method', 'tls_client_auth', '--tls-name', 'san_dns=app.example')
    assert.deepEqual((await show()).tlsNames, { tls_client_auth_san_dns: 'app.example' })
    const made = /^client_secret ([\w-]{43})\n$/.exec(await update('--tls-name', '', '--auth-method', 'client_secret_post'))[1]
    assert.equal(await update('--name', 'still'), '') // the secret stays
    const { client_secret: second } = await json(['client', 'update', ...realm, 'three', '--new-secret'])
    assert.notEqual(second, made)
    assert.ok(!JSON.stringify(await show()).includes(second))
    await ok(['client', 'update', ...realm, 'three', '--secret-stdin'], 'a secret of mine\n')
    await update('--auth-method', 'none')
    assert.equal((await show()).clientType, 'Public')

    const before = await show()
    await refused(2, /what shall change/)
    await refused(2, /no secret/, '--new-secret')
    await refused(2, /no method 'foo'/, '--auth-method', 'foo')
    await refused(2, /--consent-implied, --consent-asked/, '--consent-implied', '--consent-asked')
    await refused(2, /--bind-tokens, --unbind-tokens/, '--bind-tokens', '--unbind-tokens')
    await refused(2, /KIND=VALUE/, '--tls-name', 'app.example')
    await refused(2, /subject_dn, san_dns/, '--tls-name', 'san_ip=app.example')
    await refused(2, /seconds/, '--access-token-lifetime', '1h')
    await refused(1, /lifetime/, '--code-lifetime', '601')
    await refused(1, /must be https/, '--jwks-uri', 'http://app.example/jwks')
    await refused(1, /No such file/, '--jwks', path.join(dir, 'none.json'))
    await refused(1, /jwks/, '--auth-method', 'private_key_jwt')
    writeFileSync(keys, JSON.stringify({ keys: [{ ...key, d: 'AAAA' }] }))
    await refused(1, /not a public key/, '--jwks', keys)
    writeFileSync(keys, ' '.repeat(64 * 1024 + 1))
    await refused(1, /more than 65536 bytes/, '--jwks', keys)
    assert.deepEqual(await show(), before)

    await ok(['client', 'deactivate', ...realm, 'three'])
    assert.match(await ok(['client', 'list', ...realm]), /^three {2}public {2}inactive$/m)
    assert.equal((await show()).status, 'Inactive')
    assert.deepEqual(await json(['client', 'activate', ...realm, 'three']), { client_id: 'three' })
    assert.deepEqual(await show(), before)
    await no(1, ['client', 'update', ...realm, 'nobody', '--name', 'x'], /no client nobody/)
    await no(2, ['client', 'create', ...realm, 'x', '--new-secret'], /--new-secret is for update/)
    await ok(['client', 'delete', ...realm, 'three'])
  })

  await t.test('settings: all or none', async () => {
    const realm = ['--realm', '/alpha']
    const before = await json(['settings', 'get', ...realm])
    assert.equal(before.permissionTicketLifetime, '120')
    await no(1, ['settings', 'set', ...realm, 'permissionTicketLifetime=60', 'resharingMode=SOMETIMES'], /resharingMode/)
    await no(1, ['settings', 'set', ...realm, 'permissionTicketLifetime=60', 'noSuchSetting=1'], /setting/)
    await no(1, ['settings', 'set', ...realm, 'permissionTicketLifetime=0'], /out of range/)
    await no(2, ['settings', 'set', ...realm, 'permissionTicketLifetime'], /NAME=VALUE/)
    await no(2, ['settings', 'set', ...realm], /needs an argument/)
    await no(1, ['settings', 'get', ...realm, 'noSuchSetting'], /no such setting/)
    assert.deepEqual(await json(['settings', 'get', ...realm]), before)
    assert.deepEqual(await json(['settings', 'set', ...realm, 'permissionTicketLifetime=60', 'supportedScopes=a,b']),
      { permissionTicketLifetime: '60', supportedScopes: 'a,b' })
    assert.deepEqual(await json(['settings', 'get', ...realm]), { ...before, permissionTicketLifetime: '60', supportedScopes: 'a,b' })
    assert.equal(await ok(['settings', 'get', ...realm, 'permissionTicketLifetime']), '60\n')
    assert.match(await ok(['settings', 'get', ...realm]), /^permissionTicketLifetime +60 +\* life of/m)
    assert.equal(await ok(['settings', 'get', '--realm', '/', 'permissionTicketLifetime']), '120\n')
  })

  await t.test('key', async () => {
    const realm = ['--realm', '/alpha']
    const before = await json(['key', 'list', ...realm])
    assert.deepEqual(before.map((k) => [k.alg, k.active]), [['RS256', true], ['ES256', true]])
    await no(2, ['key', 'rotate', ...realm, '--alg', 'HS256'], /RS256 or ES256/)
    const { kid } = await json(['key', 'rotate', ...realm, '--alg', 'ES256'])
    const after = await json(['key', 'list', ...realm])
    assert.deepEqual(after.filter((k) => k.active).map((k) => k.kid).sort(), [before[0].kid, kid].sort())
    assert.match(await ok(['key', 'list', ...realm]), new RegExp(`^${before[1].kid}  ES256  verifies until 20\\d\\d-`, 'm'))
    assert.ok(!JSON.stringify(after).includes('"d"'))
  })
})

test('usher routes prints what the server serves', async (t) => {
  const dir = folder(t)
  const server = await Server.demo(t, dir)
  // Some rows are only there where claims are gathered interactively. A running server obeys within a second.
  await administer(dir, 'settings', 'set', 'interactiveClaimsGatheringEnabled=true')
  assert.ok(await within(2000, async () => (await server.request('GET', `${server.uma}/claims_gathering`)).status !== 404))
  const [, asset] = /\/XUI\/assets\/([^"]+)/.exec((await server.request('GET', '/am/XUI/?realm=/alpha')).text)
  const lines = (await succeeds(['routes'])).trimEnd().split('\n')
  const rows = JSON.parse(await succeeds(['routes', '--json']))
  assert.equal(rows.length, lines.length)
  assert.equal(new Set(rows.map((r) => r.name)).size, rows.length)
  for (const [i, row] of rows.entries()) {
    assert.ok(lines[i].startsWith(`${row.method} `.padEnd(7) + row.path), lines[i])
    const target = row.path.replace('{realm}', '/realms/root/realms/alpha').replace('{user}', 'alice').replace('{what}', '*')
      .replace('{issuer*}', 'am/oauth2/realms/root/realms/alpha').replace('{id}', 'none').replace('{file}', asset)
    const isAtOrigin = row.path.startsWith('/.well-known')
    const r = await server.send(row.method, isAtOrigin ? target : `/am${target}`, row.method === 'GET' ? undefined : {})
    assert.ok(r.status < 500 && r.status !== 405, `${row.name}: ${r.status} ${r.text}`)
    assert.ok(!r.text.includes('Nothing is served'), row.name)
    if (row.auth === 'none') assert.equal(r.status, 200, `${row.name}: ${r.text}`)
  }
  assert.equal(await server.stop(), 0)
})

// One server, and commands beside it.
test('a running server obeys the command line within a second', async (t) => {
  const dir = folder(t)
  const server = await Server.demo(t, dir)
  const at = ['--realm', '/alpha', '--store', `sqlite:${dir}/usher.db`, '--json']
  const command = async (args, input) => JSON.parse(await succeeds([...args, ...at], { input }))
  const basic = (id, secret) => ({ authorization: `Basic ${Buffer.from(`${id}:${secret}`).toString('base64')}` })
  const credentials = (id, secret) => server.form(`${server.oauth}/access_token`, { grant_type: 'client_credentials', scope: 'a' }, basic(id, secret))
  const password = (id, secret, user = 'alice', word = PASSWORD) => server.form(`${server.oauth}/access_token`,
    { grant_type: 'password', scope: 'a', username: user, password: word }, basic(id, secret))

  await t.test('settings set', async () => {
    const made = await command(['client', 'create', 'job', '--grants', 'client_credentials', '--scopes', 'a'])
    const first = await within(A_SECOND, async () => {
      const r = await credentials('job', made.client_secret)
      return r.status === 200 && r.json
    })
    assert.equal(first?.expires_in, 3600)
    for (const value of ['77', '3600']) {
      await command(['settings', 'set', `accessTokenLifetime=${value}`])
      const seen = await within(A_SECOND, async () => (await credentials('job', made.client_secret)).json.expires_in === Number(value))
      assert.ok(seen, `accessTokenLifetime=${value} within a second`)
    }
  })

  /* SB-06 */
  await t.test('client create: works over HTTP; the password grant only when asked for by name', async () => {
    const plain = await command(['client', 'create', 'plain', '--grants', 'client_credentials', '--scopes', 'a'])
    const chosen = await command(['client', 'create', 'chosen', '--grants', 'client_credentials password', '--scopes', 'a'])
    const bare = await command(['client', 'create', 'bare', '--scopes', 'a'])
    assert.ok(await within(A_SECOND, async () => (await credentials('chosen', chosen.client_secret)).status === 200))
    assert.equal((await credentials('plain', plain.client_secret)).status, 200)
    for (const [id, made] of [['plain', plain], ['bare', bare]]) {
      const r = await password(id, made.client_secret)
      assert.deepEqual([id, r.status, r.json.error], [id, 400, 'unauthorized_client'])
    }
    assert.equal((await password('chosen', chosen.client_secret)).status, 200)
    const wrong = await credentials('plain', chosen.client_secret)
    assert.deepEqual([wrong.status, wrong.json.error], [401, 'invalid_client'])
    const kept = (await credentials('plain', plain.client_secret)).json.access_token
    await command(['client', 'delete', 'plain'])
    assert.ok(await within(A_SECOND, async () => (await credentials('plain', plain.client_secret)).status === 401))
    const r = await server.introspect(await server.pat(), kept)
    assert.deepEqual([r.status, r.json], [200, { active: false }])
  })

  await t.test('client create --secret-stdin and --public', async () => {
    await command(['client', 'create', 'own', '--secret-stdin', '--grants', 'client_credentials', '--scopes', 'a'], 'my own: secret\n')
    await command(['client', 'create', 'pub', '--public', '--grants', 'password', '--scopes', 'a'])
    const encoded = encodeURIComponent('my own: secret') // RFC 6749 2.3.1
    assert.ok(await within(A_SECOND, async () => (await credentials('own', encoded)).status === 200))
    const fields = { grant_type: 'password', scope: 'a', username: 'alice', password: PASSWORD, client_id: 'pub' }
    assert.equal((await server.form(`${server.oauth}/access_token`, fields)).status, 200)
  })

  await t.test('user create, password, delete', async () => {
    const login = async (word) => (await password('chosen2', secret, 'erin', word)).status
    const secret = (await command(['client', 'create', 'chosen2', '--grants', 'password', '--scopes', 'a'])).client_secret
    await command(['user', 'create', 'erin'], 'first word\n')
    assert.ok(await within(A_SECOND, async () => (await login('first word')) === 200))
    await command(['user', 'password', 'erin'], 'second word\n')
    assert.equal(await login('first word'), 400)
    assert.equal(await login('second word'), 200)
    await command(['user', 'delete', 'erin'])
    assert.equal(await login('second word'), 400)
  })

  await t.test('realm create and delete', async () => {
    const metadata = async () => (await server.request('GET', '/am/oauth2/realms/root/realms/new/.well-known/openid-configuration')).status
    const store = ['--store', `sqlite:${dir}/usher.db`]
    assert.equal(await metadata(), 404)
    await succeeds(['realm', 'create', '/new', ...store])
    assert.ok(await within(A_SECOND, async () => (await metadata()) === 200))
    await succeeds(['realm', 'delete', '/new', ...store])
    assert.ok(await within(A_SECOND, async () => (await metadata()) === 404))
  })

  /* JW-19 */
  await t.test('key rotate: what was signed before still counts, what is signed now has the new key', async () => {
    const { pat, idToken, ticket } = await album(server)
    const jwks = async () => (await server.request('GET', `${server.oauth}/connect/jwk_uri`)).json.keys
    const header = (token) => JSON.parse(Buffer.from(token.split('.')[0], 'base64url'))
    const isSigned = (token, keys) => {
      const [head, body, signature] = token.split('.')
      const jwk = keys.find((k) => k.kid === header(token).kid)
      return jwk !== undefined && crypto.verify('sha256', Buffer.from(`${head}.${body}`), crypto.createPublicKey({ key: jwk, format: 'jwk' }), Buffer.from(signature, 'base64url'))
    }
    assert.ok(isSigned(idToken, await jwks()))
    const { kid } = await command(['key', 'rotate', '--alg', 'RS256'])
    assert.ok(await within(A_SECOND, async () => (await jwks()).some((k) => k.kid === kid)), 'the new key within a second')
    assert.notEqual(header(idToken).kid, kid)
    assert.ok(isSigned(idToken, await jwks()), 'the old key is still published')
    const old = await server.grant('UMA-Client', await ticket(), idToken)
    assert.equal(old.status, 200, old.text)
    const fresh = (await server.token('bob', 'UMA-Client', 'openid')).id_token
    assert.equal(header(fresh).kid, kid)
    assert.ok(isSigned(fresh, await jwks()))
    const rpt = await server.grant('UMA-Client', await ticket(), fresh)
    assert.equal(rpt.status, 200, rpt.text)
    assert.equal((await server.introspect(pat, rpt.json.access_token)).json.active, true)
  })

  assert.equal(await server.stop(), 0)
})

test('demo --walk tells the story, exits 0 and leaves nothing behind', async (t) => {
  const dir = folder(t)
  const r = await usher(['demo', '--walk'], { env: { TMPDIR: dir } })
  assert.deepEqual([r.code, r.err], [0, ''])
  assert.match(r.out, /^1\. The photo service/m)
  assert.match(r.out, /-> 403\n.*request_submitted/)
  assert.ok(r.out.endsWith('The story went as it should.\n'))
  assert.ok(!r.out.includes('!!') && !r.out.includes('ready http'))
  assert.deepEqual(readdirSync(dir), [])
})

test('demo --walk --serve goes on after the story', async (t) => {
  const dir = folder(t)
  const server = await Server.launch(t, ['demo', '--walk', '--serve', '--listen', '127.0.0.1:0'], { env: { TMPDIR: dir } })
  assert.match(server.out, /The story went as it should\.\nready http/)
  assert.equal((await server.request('GET', '/am/json/health/ready')).status, 200)
  assert.equal(await server.stop(), 0)
  assert.deepEqual(readdirSync(dir), [])
})

test('demo serves from a temporary store, two at once on free ports, and removes it at the end', async (t) => {
  const dir = folder(t)
  const args = ['demo', '--listen', '127.0.0.1:0']
  const [one, two] = await Promise.all([0, 1].map(() => Server.launch(t, args, { env: { TMPDIR: dir } })))
  assert.notEqual(one.port, two.port)
  assert.equal(readdirSync(dir).length, 2)
  assert.equal((await one.request('GET', '/am/json/health/ready')).status, 200)
  await fails(1, ['demo', '--listen', `127.0.0.1:${one.port}`], /in use/, { env: { TMPDIR: dir } })
  await fails(1, ['demo', '--listen', '0.0.0.0:0'], /loopback/, { env: { TMPDIR: dir } })
  one.child.kill('SIGINT')
  assert.equal((await one.exited)[0], 0)
  assert.equal(await two.stop(), 0)
  assert.deepEqual(readdirSync(dir), [])
})

test('demo --data continues an earlier run; --clients adds those that are missing', async (t) => {
  const dir = path.join(folder(t), 'world')
  const works = async (server, id) => (await server.form(`${server.oauth}/access_token`, {
    grant_type: 'password', scope: 'openid', username: 'bob', password: PASSWORD, client_id: id, client_secret: SECRET })).status
  const first = await Server.demo(t, dir, ['--clients', '3'])
  assert.deepEqual(await Promise.all(['101', '102', '103', '104'].map((n) => works(first, `UMA-Client-${n}`))), [200, 200, 200, 400])
  const pat = await first.pat()
  const made = await first.send('POST', `${first.uma}/resource_set`, { resource_scopes: ['view'] }, pat)
  assert.equal(made.status, 201)
  assert.equal(await first.stop(), 0)
  assert.ok(existsSync(path.join(dir, 'usher.db')) && !existsSync(path.join(dir, 'usher.db-wal')), 'the store is closed')

  const second = await Server.demo(t, dir, ['--clients', '5'])
  assert.deepEqual((await second.request('GET', `${second.uma}/resource_set`, { headers: pat })).json, [made.json._id])
  assert.deepEqual(await Promise.all(['101', '105', '106'].map((n) => works(second, `UMA-Client-${n}`))), [200, 200, 400])
  assert.equal(await second.stop(), 0)
})
