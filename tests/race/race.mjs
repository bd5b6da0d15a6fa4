// Two clients race for one ticket over HTTP against the release binary: exactly one of them is processed, every time.
// The loser sees invalid_grant. The two presentations are written to two warm connections one behind the other, so that they
// reach two event loops at about the same moment.
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { BINARY, SECRET, Tally, UMA_GRANT, Usher } from '../net/usher.mjs'

const ROUNDS = Number(process.env.RACE_ROUNDS ?? 10000)
const DECISIONS = Number(process.env.RACE_DECISIONS ?? 200)
const CLAIMS = Number(process.env.RACE_CLAIMS ?? 500)
const CODES = Number(process.env.RACE_CODES ?? 500)
const LANES = 8 // rounds in flight at once

const tally = new Tally()
const usher = await Usher.start()
try {
  const pat = await usher.pat()
  const idTokens = {}
  for (const client of ['UMA-Client', 'UMA-Client-2']) idTokens[client] = (await usher.token('bob', client, 'openid')).id_token
  const album = (await usher.send('POST', `${usher.uma}/resource_set`, { resource_scopes: ['view'] }, pat)).json._id
  await usher.share(await usher.sso(), 'alice', album, [{ subject: 'bob', scopes: ['view'] }])

  let next = 0
  const outcomes = { one: 0, none: 0, both: 0, other: 0 }
  const lane = async () => {
    while (next < ROUNDS) {
      const round = next++
      const ticket = (await usher.send('POST', `${usher.uma}/permission_request`, { resource_id: album, resource_scopes: ['view'] }, pat)).json.ticket
      // Odd rounds: the same client twice; even rounds: two clients.
      const rivals = round % 2 ? ['UMA-Client', 'UMA-Client'] : ['UMA-Client', 'UMA-Client-2']
      const answers = await Promise.all(rivals.map((client) => usher.grant(client, ticket, idTokens[client])))
      const winners = answers.filter((a) => a.status === 200).length
      const losers = answers.filter((a) => a.status === 400 && a.json?.error === 'invalid_grant').length
      if (winners === 1 && losers === 1) outcomes.one++
      else if (winners === 2) outcomes.both++
      else if (winners === 0 && losers === 2) outcomes.none++
      else outcomes.other++
    }
  }
  await Promise.all(Array.from({ length: LANES }, lane))
  console.log(`# ${ROUNDS} rounds: one winner ${outcomes.one}, two ${outcomes.both}, none ${outcomes.none}, other ${outcomes.other}`)
  tally.check(`exactly one winner in each of ${ROUNDS} rounds`, outcomes.one === ROUNDS, JSON.stringify(outcomes))

  // Fifty at once.
  const ticket = (await usher.send('POST', `${usher.uma}/permission_request`, { resource_id: album, resource_scopes: ['view'] }, pat)).json.ticket
  const answers = await Promise.all(Array.from({ length: 50 }, () => usher.grant('UMA-Client', ticket, idTokens['UMA-Client'])))
  tally.check('fifty presentations at once: one is processed', answers.filter((a) => a.status === 200).length === 1)
  tally.check('... and forty-nine are invalid_grant', answers.filter((a) => a.json?.error === 'invalid_grant').length === 49)

  // An owner decides twice at once: one of the two counts, and what is shared afterwards is what it said.
  const decided = { one: 0, other: 0 }
  const sso = await usher.sso()
  for (let round = 0; round < DECISIONS; round++) {
    const lake = (await usher.send('POST', `${usher.uma}/resource_set`, { resource_scopes: ['view'] }, pat)).json._id
    const asked = (await usher.send('POST', `${usher.uma}/permission_request`, { resource_id: lake, resource_scopes: ['view'] }, pat)).json.ticket
    await usher.grant('UMA-Client', asked, idTokens['UMA-Client'])
    const requests = `${usher.json}/users/alice/uma/pendingrequests`
    const [request] = (await usher.send('GET', `${requests}?_queryFilter=true`, undefined, sso)).json.result
    const rivals = round % 3 ? ['approve', 'deny'] : ['approve', 'approve']
    const replies = await Promise.all(rivals.map((action) => usher.send('POST', `${requests}/${request._id}?_action=${action}`, {}, sso)))
    const won = replies.findIndex((r) => r.status === 200)
    const policy = await usher.send('GET', `${usher.json}/users/alice/uma/policies/${lake}`, undefined, sso)
    const isRight = policy.status === (rivals[won] === 'approve' ? 200 : 404)
    if (replies.map((r) => r.status).sort().join() === '200,404' && isRight) decided.one++
    else decided.other++
  }
  tally.check(`of two decisions at once one counts, in each of ${DECISIONS} rounds`, decided.one === DECISIONS, JSON.stringify(decided))

  // A code is exchanged twice at once. One exchange succeeds, and the other, which makes it a replay, ends what came of it.
  const exchanged = { one: 0, other: 0 }
  const redirect_uri = 'http://127.0.0.1:9/cb'
  for (let round = 0; round < CODES; round++) {
    const allowed = await usher.form(`${usher.oauth}/authorize`, {
      response_type: 'code', client_id: 'UMA-Client', redirect_uri, scope: 'openid', decision: 'allow', csrf: sso.iplanetdirectorypro,
    }, sso)
    const code = new URL(allowed.headers.location).searchParams.get('code')
    const exchange = () => usher.form(`${usher.oauth}/access_token`, {
      grant_type: 'authorization_code', code, redirect_uri, client_id: 'UMA-Client', client_secret: SECRET,
    })
    const replies = await Promise.all([exchange(), exchange()])
    const won = replies.find((r) => r.status === 200)
    const seen = won && await usher.form(`${usher.oauth}/introspect`, { token: won.json.access_token, client_id: 'UMA-Client', client_secret: SECRET })
    const losers = replies.filter((r) => r.status === 400 && r.json?.error === 'invalid_grant').length
    if (losers === 1 && seen?.json.active === false) exchanged.one++
    else exchanged.other++
  }
  tally.check(`of two exchanges of a code one succeeds, in each of ${CODES} rounds`, exchanged.one === CODES, JSON.stringify(exchanged))
} finally {
  tally.check('the server stops cleanly', (await usher.stop()) === 0)
}

// The token endpoint and the claims endpoint race for one ticket. Whoever is faster has it, the other one does not.
const folder = mkdtempSync(path.join(os.tmpdir(), 'usher-race-'))
const gallery = await Usher.start(['demo', '--listen', '127.0.0.1:0', '--data', folder])
try {
  const set = ['settings', 'set', '--realm', '/alpha', '--store', `sqlite:${path.join(folder, 'usher.db')}`, 'interactiveClaimsGatheringEnabled=true']
  tally.check('claims are gathered interactively', spawnSync(BINARY, set).status === 0)
  const metadata = `${gallery.uma}/.well-known/uma2-configuration`
  for (let i = 0; i < 100 && !(await gallery.request('GET', metadata)).json.claims_interaction_endpoint; i++)
    await new Promise((resolve) => setTimeout(resolve, 50)) // a running server obeys within a second
  const pat = await gallery.pat()
  const cookie = { cookie: `iPlanetDirectoryPro=${(await gallery.sso('bob')).iplanetdirectorypro}` }
  const album = (await gallery.send('POST', `${gallery.uma}/resource_set`, { resource_scopes: ['view'] }, pat)).json._id
  const outcomes = { token: 0, claims: 0, other: 0 }
  for (let round = 0; round < CLAIMS; round++) {
    const ticket = (await gallery.send('POST', `${gallery.uma}/permission_request`, { resource_id: album, resource_scopes: ['view'] }, pat)).json.ticket
    const present = {
      token: () => gallery.form(`${gallery.oauth}/access_token`, { grant_type: UMA_GRANT, ticket, client_id: 'UMA-Client', client_secret: SECRET }),
      claims: () => gallery.request('GET', `${gallery.uma}/claims_gathering?client_id=UMA-Client&ticket=${ticket}`, { headers: cookie }),
    }
    const first = round % 2 ? ['token', 'claims'] : ['claims', 'token'] // neither is always the first on the wire
    const answers = Object.fromEntries(await Promise.all(first.map(async (who) => [who, await present[who]()])))
    const token = answers.token.json?.error, claims = answers.claims.status
    if (token === 'need_info' && claims === 302 && /[?&]error=invalid_request/.test(answers.claims.headers.location)) outcomes.token++
    else if (token === 'invalid_grant' && claims === 200) outcomes.claims++
    else outcomes.other++
  }
  console.log(`# ${CLAIMS} rounds: the token endpoint ${outcomes.token}, the claims endpoint ${outcomes.claims}, other ${outcomes.other}`)
  tally.check(`one of the two endpoints has the ticket in each of ${CLAIMS} rounds`, outcomes.other === 0, JSON.stringify(outcomes))
} finally {
  tally.check('that server stops cleanly too', (await gallery.stop()) === 0)
  rmSync(folder, { recursive: true, force: true })
}
tally.end()
