// fetch() over Node's own TLS, which can trust a certificate of a test and show one of a client: what the libraries take as customFetch.
import https from 'node:https'

const WITHOUT_BODY = [101, 204, 205, 304]

// options: ca, and cert with key. The connections stay open; close() ends them.
export function tlsFetch(options) {
  const agent = new https.Agent({ keepAlive: true, ...options })
  const ask = (url, { method = 'GET', headers = {}, body, signal } = {}) => new Promise((resolve, reject) => {
    const text = body === undefined || body === null ? undefined : String(body)
    const request = https.request(url, { agent, method, headers: Object.fromEntries(new Headers(headers)), signal }, (r) => {
      const chunks = []
      r.on('data', (chunk) => chunks.push(chunk))
      r.on('error', reject)
      r.on('end', () => {
        const answer = new Response(WITHOUT_BODY.includes(r.statusCode) ? null : Buffer.concat(chunks), { status: r.statusCode })
        for (let i = 0; i < r.rawHeaders.length; i += 2) answer.headers.append(r.rawHeaders[i], r.rawHeaders[i + 1])
        resolve(answer)
      })
    })
    request.on('error', reject)
    request.end(text)
  })
  ask.close = () => agent.destroy()
  return ask
}
