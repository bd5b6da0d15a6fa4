// Debian's Chromium by playwright-core, and somebody who watches it: what a page logs, whom it asks, what axe finds, how it looks.
// A missing browser is an error with a sentence, never a skip.
import assert from 'node:assert/strict'
import { existsSync, mkdirSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import path from 'node:path'
import { chromium } from 'playwright-core'
import { ROOT } from './usher.mjs'

const PROGRAM = process.env.CHROMIUM ?? '/usr/bin/chromium'
const SCREENSHOTS = path.join(ROOT, 'build/screenshots')
const RULES = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'] // WCAG 2.2 AA, and what axe would do besides
const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')

export class Browser {
  static async start() {
    if (!existsSync(PROGRAM)) throw new Error(`${PROGRAM} is missing: the pages are tested in a real browser; run tools/install-deps test`)
    mkdirSync(SCREENSHOTS, { recursive: true })
    const self = new Browser()
    // Root may not use the sandbox; nothing here talks to anybody but loopback.
    self.chromium = await chromium.launch({ executablePath: PROGRAM, chromiumSandbox: false, args: ['--no-sandbox', '--disable-dev-shm-usage'], timeout: 30000 })
    return self
  }

  // A person with a browser of their own: js, locale, scheme ('dark', 'light'), width. `hosts`: whom its pages may ask; trusting:
  // whatever their certificates say.
  async person({ js = true, locale = 'en', scheme = 'light', width = 1024, hosts, trusting = false }) {
    const context = await this.chromium.newContext({ javaScriptEnabled: js, locale, colorScheme: scheme, viewport: { width, height: 720 }, reducedMotion: 'reduce', ignoreHTTPSErrors: trusting })
    context.setDefaultTimeout(20000)
    const page = await context.newPage()
    return new Visitor({ context, page, js, locale, scheme, width, hosts })
  }

  stop() { return this.chromium?.close() }
}

class Visitor {
  faults = [] // what a page did that it should not
  expected = [] // statuses of error pages that the test asks for; Chromium logs them as failures

  constructor(about) {
    Object.assign(this, about)
    this.page.on('console', (message) => {
      if (!['error', 'warning'].includes(message.type())) return
      const refused = /the server responded with a status of (\d+)/.exec(message.text())
      if (!refused || !this.expected.includes(Number(refused[1]))) this.faults.push(`console: ${message.text()}`)
    })
    this.page.on('pageerror', (error) => this.faults.push(`script: ${error.message}`))
    this.page.on('request', (request) => { if (!this.hosts.includes(new URL(request.url()).host)) this.faults.push(`asked ${request.url()}`) })
    // Who leaves a page before all of it is there gives up the rest; whether it comes is asked by look().
    this.page.on('requestfailed', (request) => {
      const why = request.failure()?.errorText
      if (why !== 'net::ERR_ABORTED') this.faults.push(`failed: ${request.url()}: ${why}`)
    })
    this.page.on('dialog', (dialog) => {
      this.faults.push(`dialog: ${dialog.message()}`)
      dialog.dismiss().catch(() => {})
    })
  }

  // Every page is looked at like this: nothing wrong in it, readable for everybody, in the right language, no wider than the window.
  async look(name, { lang = this.locale } = {}) {
    const { page } = this
    await page.waitForLoadState('load')
    await page.screenshot({ path: path.join(SCREENSHOTS, `${name}-${this.locale}-${this.scheme}-${this.width}${this.js ? '' : '-nojs'}.png`), fullPage: true })
    const seen = await page.evaluate(() => ({
      lang: document.documentElement.lang, title: document.title, headings: document.querySelectorAll('h1').length,
      over: document.documentElement.scrollWidth - document.documentElement.clientWidth,
      bare: [...document.images].filter((image) => !image.complete || !image.naturalWidth).map((image) => image.src),
      sheets: [...document.styleSheets].filter((sheet) => sheet.href).length,
    }))
    assert.equal(seen.lang, lang, `${name}: language`)
    assert.ok(seen.title.trim(), `${name}: no title`)
    assert.equal(seen.headings, 1, `${name}: headings of the first level`)
    assert.ok(seen.over <= 0, `${name}: ${seen.over} pixels wider than the window`)
    assert.deepEqual(seen.bare, [], `${name}: pictures that did not come`)
    assert.ok(seen.sheets > 0, `${name}: no style sheet`)
    if (this.js) assert.deepEqual(await this.violations(), [], `${name}: axe`)
    assert.deepEqual(this.faults, [], name)
  }

  async violations() {
    await this.page.evaluate(axe)
    const result = await this.page.evaluate((values) => globalThis.axe.run(document, { runOnly: { type: 'tag', values }, resultTypes: ['violations'] }), RULES)
    return result.violations.map(({ id, help, nodes }) => `${id}: ${help}: ${nodes.map(({ html, failureSummary }) => `${html} ${failureSummary}`).join('\n')}`)
  }

  // What the keyboard is at, as people would name it.
  focus() {
    return this.page.evaluate(() => {
      const at = document.activeElement
      return at === document.body ? 'nothing' : at.labels?.[0]?.innerText.trim() || at.getAttribute('aria-label') || at.innerText.trim() || at.name
    })
  }

  async close() {
    await this.context.close()
    assert.deepEqual(this.faults, [])
  }
}
