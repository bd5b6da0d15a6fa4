// `make install`: what packages ship, and that somebody who has nothing but that, pkg-config and a compiler builds a plugin.
import assert from 'node:assert/strict'
import { chmodSync, lstatSync, readdirSync, readFileSync, realpathSync } from 'node:fs'
import path from 'node:path'
import { before, test } from 'node:test'
import { BINARY, ROOT } from '../net/usher.mjs'
import { file, folder, run } from './ops.mjs'

const PREFIX = '/opt/usher'
const BUILD = path.join(path.dirname(realpathSync(BINARY)), '../..')
const A_WHILE = { timeout: 60000 }

let root // DESTDIR
before(async () => {
  root = folder({ after: (end) => process.on('exit', end) })
  const r = await run(path.join(ROOT, 'tools/install'), [PREFIX, BUILD], { ...A_WHILE, env: { DESTDIR: root } })
  assert.deepEqual([r.code, r.out, r.err], [0, `installed into ${root}${PREFIX}\n`, ''])
})

const installed = (...names) => path.join(root, PREFIX, ...names)
const pkgConfig = async (...args) => {
  const env = { PKG_CONFIG_SYSROOT_DIR: root, PKG_CONFIG_LIBDIR: installed('lib/pkgconfig') }
  const r = await run('pkg-config', [...args, 'usher'], { env })
  assert.deepEqual([r.code, r.err], [0, ''])
  return r.out.trim()
}
const usher = async (...args) => {
  const r = await run(installed('bin/usher'), args)
  assert.deepEqual([r.code, r.err], [0, ''])
  return r.out
}

// The whole plugin that the header begins with, from its first include to its last line.
function example() {
  const lines = readFileSync(installed('include/usher/plugin.h'), 'utf8').split('\n')
  const end = lines.findIndex((line) => line.startsWith(' * Build it'))
  return lines.slice(lines.findIndex((line) => line === ' *   #include <string.h>'), end).map((line) => line.slice(' *   '.length)).join('\n')
}

function* files(dir) {
  for (const entry of readdirSync(dir, { withFileTypes: true })) {
    const name = path.join(dir, entry.name)
    if (entry.isDirectory()) yield* files(name)
    else yield name
  }
}

test('what is installed is the server, the header, the pkg-config file and the plugins', async () => {
  const names = [...files(root)].map((name) => path.relative(installed(), name)).sort()
  const plugins = names.filter((name) => name.startsWith('lib/usher/plugins/'))
  const built = readdirSync(path.join(ROOT, 'plugins'), { withFileTypes: true })
    .filter((entry) => entry.isDirectory() || entry.name.endsWith('.c')).map((entry) => `lib/usher/plugins/${path.parse(entry.name).name}.so`)
  assert.deepEqual(plugins, built.sort())
  for (const name of ['bin/usher', 'include/usher/plugin.h', 'lib/pkgconfig/usher.pc', 'share/usher/lua/example.lua']) assert.ok(names.includes(name), name)
  assert.equal(names.length, plugins.length + 4, names.join(' '))
  assert.deepEqual(readFileSync(installed('include/usher/plugin.h')), readFileSync(path.join(ROOT, 'include/usher/plugin.h')))
  for (const name of names) assert.equal(lstatSync(installed(name)).mode & 0o022, 0, name)
  const version = /^usher (\d+\.\d+\.\d+)\n$/.exec(await usher('--version'))[1]
  assert.equal(await pkgConfig('--modversion'), version)
  assert.equal(await pkgConfig('--libs'), '')
  assert.equal(await pkgConfig('--cflags'), `-I${installed('include')}`)
})

test('the example of the header is built by what pkg-config says, as C and as C++, without a warning, and is taken', async (t) => {
  const dir = folder(t)
  const so = path.join(dir, 'no-secrets.so')
  const flags = (await pkgConfig('--cflags')).split(' ')
  for (const [compiler, source, ...more] of [['cc', 'no-secrets.c', '-std=c99'], ['cc', 'no-secrets.c', '-std=c17'], ['c++', 'no-secrets.cc', '-std=c++20', '-Wno-missing-field-initializers']]) {
    const r = await run(compiler, ['-shared', '-fPIC', '-Wall', '-Wextra', '-Wpedantic', '-Werror', ...more, '-o', so, file(dir, source, example()), ...flags], A_WHILE)
    assert.deepEqual([compiler, r.code, r.err], [compiler, 0, ''])
    chmodSync(so, 0o755)
    const shown = JSON.parse(await usher('plugin', 'check', so, '--open', '--json'))
    assert.deepEqual([shown.name, shown.version, shown.methods], ['no-secrets', '1.0', ['beforeResourceRegistration']])
    // Linked against nothing of ours: what it leaves undefined is in the C library.
    const undefinedOnes = await run('nm', ['-D', '--undefined-only', so])
    assert.doesNotMatch(undefinedOnes.out, /usher|us_/)
  }
})

test('every installed plugin is one that a server takes, also as a folder of them', async (t) => {
  const dir = folder(t)
  const said = await pkgConfig('--variable=plugindir') // not every pkg-config puts the sysroot in front of variables
  const plugindir = said.startsWith(root) ? said : path.join(root, said)
  assert.equal(plugindir, installed('lib/usher/plugins'))
  const names = readdirSync(plugindir).sort()
  assert.ok(names.length >= 7)
  for (const name of names) assert.equal(JSON.parse(await usher('plugin', 'check', path.join(plugindir, name), '--json')).abiMajor, 1, name)
  const config = file(dir, 'usher.yaml', `listen:\n  - { address: 127.0.0.1, port: 0 }\nplugin: { directory: ${plugindir} }\nplugins:\n  - { path: ${plugindir}/naming.so, priority: 5 }\n`)
  const listed = JSON.parse(await usher('plugin', 'list', '--config', config, '--json'))
  const called = listed.map((plugin) => plugin.name)
  assert.equal(called.length, names.length)
  assert.deepEqual(called, [...called.filter((name) => name !== 'naming').sort(), 'naming'])
})

test('a prefix must be absolute, and there must be something to install', async (t) => {
  const relative = await run(path.join(ROOT, 'tools/install'), ['usr', BUILD], { env: { DESTDIR: root } })
  assert.deepEqual([relative.code, relative.err], [1, 'install: PREFIX must be an absolute path: usr\n'])
  const nothing = await run(path.join(ROOT, 'tools/install'), [PREFIX, folder(t)], { env: { DESTDIR: root } })
  assert.equal(nothing.code, 1)
  assert.match(nothing.err, /^install: \S+ is missing: make build\n$/)
})
