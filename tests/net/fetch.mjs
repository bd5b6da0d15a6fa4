// fetch() over Node's own HTTP and TLS, which can trust a certificate of a test and show one of a client, and says nothing that was not
// asked for (Node's fetch names itself a script by Sec-Fetch-Mode): what the libraries take as customFetch, and people's browsers.
import http from 'node:http'
import https from 'node:https'

const WITHOUT_BODY = [101, 204, 205, 304]

// options: ca, and cert with key. Connections stay open; close() ends them. lenient: bytes behind a complete answer are no error, as
// browsers see it.
export function fetchWith({ lenient = false, ...options } = {}) {
  const agents = { 'http:': new http.Agent({ keepAlive: true }), 'https:': new https.Agent({ keepAlive: true, ...options }) }
  const ask = (url, { method = 'GET', headers = {}, body, signal } = {}) => new Promise((resolve, reject) => {
    const { protocol } = new URL(url)
    let answered
    const text = body === undefined || body === null ? undefined : String(body)
    const request = (protocol === 'https:' ? https : http).request(url, { agent: agents[protocol], method, headers: Object.fromEntries(new Headers(headers)), signal }, (r) => {
      const chunks = []
      answered = r
      r.on('data', (chunk) => chunks.push(chunk))
      r.on('error', reject)
      r.on('end', () => {
        const answer = new Response(WITHOUT_BODY.includes(r.statusCode) ? null : Buffer.concat(chunks), { status: r.statusCode })
        for (let i = 0; i < r.rawHeaders.length; i += 2) answer.headers.append(r.rawHeaders[i], r.rawHeaders[i + 1])
        resolve(answer)
      })
    })
    request.on('error', (error) => { if (!lenient || !answered?.complete) reject(error) })
    request.end(text)
  })
  ask.close = () => Object.values(agents).forEach((agent) => agent.destroy())
  return ask
}
