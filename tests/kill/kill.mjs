// SIGKILL under write load, again and again, on one store: every acknowledged registration, ticket, policy and RPT is there
// after the restart. A round counts only with at least 1,000 acknowledged writes.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { Tally, Usher } from '../net/usher.mjs'

const ROUNDS = Number(process.env.KILL_ROUNDS ?? 100)
const WRITES = 1000
const LANES = 32

const folder = mkdtempSync(path.join(tmpdir(), 'usher-kill-'))
// The issuer holds the port, and bob's ID token the issuer: every start takes the port that the first one found.
let port = 0
const start = async () => {
  const usher = await Usher.start(['demo', '--listen', `127.0.0.1:${port}`, '--data', path.join(folder, 'data')])
  port = usher.port
  return usher
}
const tally = new Tally()

// One lane: register, share, ask, grant, over and over until the connection breaks. Only what was answered is written down.
async function write(usher, keys, acked) {
  try {
    for (let i = 0; ; i++) {
      const made = await usher.send('POST', `${usher.uma}/resource_set`, { resource_scopes: ['view'] }, keys.pat)
      if (made.status !== 201) throw new Error(`register ${made.status} ${made.text}`)
      const id = made.json._id
      acked.resources.push(id)
      const shared = await usher.share(keys.sso, 'alice', id, [{ subject: 'bob', scopes: ['view'] }])
      if (shared.status !== 201) throw new Error(`share ${shared.status} ${shared.text}`)
      acked.policies.push(id)
      for (let k = 0; k < 3; k++) {
        const ticket = await usher.send('POST', `${usher.uma}/permission_request`, { resource_id: id, resource_scopes: ['view'] }, keys.pat)
        if (ticket.status !== 201) throw new Error(`ticket ${ticket.status} ${ticket.text}`)
        if (k === 0) {
          const granted = await usher.grant('UMA-Client', ticket.json.ticket, keys.idToken)
          if (granted.status !== 200) throw new Error(`grant ${granted.status} ${granted.text}`)
          acked.spent.push(ticket.json.ticket)
          acked.rpts.push(granted.json.access_token)
        } else {
          acked.tickets.push(ticket.json.ticket)
        }
      }
    }
  } catch (e) {
    if (!['ECONNRESET', 'ECONNREFUSED', 'EPIPE'].includes(e.code) && e.message !== 'socket hang up') acked.errors.push(e.message)
  }
}

const count = (a) => a.resources.length + a.policies.length + a.tickets.length + 2 * a.rpts.length

async function each(list, lanes, visit) {
  let next = 0
  await Promise.all(Array.from({ length: lanes }, async () => { while (next < list.length) await visit(list[next++]) }))
}

async function verify(usher, keys, acked, round) {
  const missing = []
  await each(acked.resources, LANES, async (id) => {
    const r = await usher.request('GET', `${usher.uma}/resource_set/${id}`, { headers: keys.pat })
    if (r.status !== 200) missing.push(`resource ${r.status}`)
  })
  await each(acked.policies, LANES, async (id) => {
    const r = await usher.request('GET', `${usher.json}/users/alice/uma/policies/${id}`, { headers: keys.sso })
    if (r.status !== 200 || r.json.permissions[0]?.subject !== 'bob') missing.push(`policy ${r.status}`)
  })
  await each(acked.rpts, LANES, async (token) => {
    const r = await usher.introspect(keys.pat, token)
    if (r.json?.active !== true || r.json.permissions.length !== 1) missing.push(`rpt ${r.text}`)
  })
  await each(acked.tickets, LANES, async (ticket) => {
    const r = await usher.grant('UMA-Client', ticket, keys.idToken)
    if (r.status !== 200) missing.push(`ticket ${r.status} ${r.text}`)
  })
  await each(acked.spent, LANES, async (ticket) => { // and what was spent stays spent
    const r = await usher.grant('UMA-Client', ticket, keys.idToken)
    if (r.status !== 400) missing.push(`spent ticket ${r.status}`)
  })
  tally.check(`round ${round}: ${count(acked)} acknowledged writes survive SIGKILL`, missing.length === 0, `${missing.length} missing, first: ${missing[0]}`)
  tally.check(`round ${round}: at least ${WRITES} writes`, count(acked) >= WRITES, `${count(acked)}`)
  tally.check(`round ${round}: no unexpected answers`, acked.errors.length === 0, acked.errors[0])
}

let usher = await start()
try {
  const keys = { pat: await usher.pat(), sso: await usher.sso(), idToken: (await usher.token('bob', 'UMA-Client', 'openid')).id_token }
  let total = 0
  for (let round = 1; round <= ROUNDS; round++) {
    const acked = { resources: [], policies: [], tickets: [], spent: [], rpts: [], errors: [] }
    const lanes = Array.from({ length: LANES }, () => write(usher, keys, acked))
    const wanted = WRITES + Math.floor(Math.random() * 200)
    while (count(acked) < wanted && acked.errors.length === 0) await new Promise((resolve) => setTimeout(resolve, 2))
    await usher.kill()
    await Promise.all(lanes)
    total += count(acked)
    usher = await start()
    if (round % 20 === 0) keys.sso = await usher.sso() // sessions end by being idle
    await verify(usher, keys, acked, round)
  }
  console.log(`# ${ROUNDS} kills, ${total} acknowledged writes`)
} finally {
  await usher.kill()
  rmSync(folder, { recursive: true, force: true })
}
tally.end()
