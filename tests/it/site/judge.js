// Walks a site from its front door in Chromium, every page in light and in dark, and says what is wrong with it as JSON:
// findings of axe-core, errors of the console, requests that leave the site, links that lead nowhere, script that ran.
// node judge.js CHROMIUM FRONT-DOOR SCREENSHOTS [URL-FRAGMENT-OF-A-COMPARISON]
'use strict';
const { readFileSync, existsSync, mkdirSync } = require('fs');
const { dirname, join, basename } = require('path');
const { fileURLToPath, pathToFileURL } = require('url');
const puppeteer = require('puppeteer-core');

const AXE = readFileSync(require.resolve('axe-core/axe.min.js'), 'utf8');
const RULES = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];
const [chromium, door, pictures, comparison] = process.argv.slice(2);
const root = pathToFileURL(dirname(door)).href + '/', front = pathToFileURL(door).href;
const wrong = [], serious = [], sizes = {};
const seen = new Set(), told = {};

async function visit(browser, url, scheme, look) {
  const page = await browser.newPage();
  await page.setViewport(look || { width: 1280, height: 900 });
  await page.emulateMediaFeatures([{ name: 'prefers-color-scheme', value: scheme }]);
  const complain = what => wrong.push(`${url.slice(root.length)} (${scheme}): ${what}`);
  page.on('console', message => {
    if (['error', 'warn', 'warning'].includes(message.type())) complain(`console: ${message.text()}`);
  });
  page.on('pageerror', error => complain(`script: ${error.message}`));
  page.on('dialog', dialog => { complain('a dialog'); dialog.dismiss(); });
  page.on('request', request => {
    if (!request.url().startsWith(root)) complain(`asked for ${request.url()}`);
  });
  page.on('requestfailed', request => complain(`failed: ${request.url()}`));
  if (url === front) {
    // It leads on by itself; here it stands still, to be judged.
    const text = readFileSync(door, 'utf8');
    if (!text.includes('http-equiv="refresh" content="0; url=site/index.html"')) complain('leads nowhere');
    await page.setRequestInterception(true);
    const still = { contentType: 'text/html', body: text.replace(/<meta http-equiv="refresh".*>/, '') };
    page.on('request', request => (request.url() === front ? request.respond(still) : request.continue()));
  }
  await page.goto(url, { waitUntil: 'load' });
  if (url.includes('compare.html#')) await page.waitForSelector('#result table', { timeout: 10000 });
  await page.evaluate(() => {
    for (const details of document.querySelectorAll('details')) details.open = true;
    for (const image of document.images) image.loading = 'eager';
  });
  await page.waitForFunction(() => [...document.images].every(image => image.complete && image.naturalWidth));
  if (await page.evaluate(() => 'pwned' in window)) complain('a name ran as script');
  return page;
}

async function judge(page, url, scheme) {
  await page.evaluate(AXE);
  const found = await page.evaluate(rules => axe.run(document, { runOnly: rules, preload: false }), RULES);
  for (const { id, impact, nodes } of found.violations) {
    const line = `${url.slice(root.length)} (${scheme}): ${impact}: ${id}: ${nodes.slice(0, 3).map(node => node.html).join(' ')}`;
    (['serious', 'critical'].includes(impact) ? serious : wrong).push(line);
  }
}

const links = page => page.$$eval('a[href]', all => all.map(a => [a.href, a.hasAttribute('download')]));

async function walk(browser) {
  const waiting = [front];
  if (comparison) waiting.push(`${root}site/compare.html#${comparison}`);
  for (let url; (url = waiting.shift());) {
    const plain = url.includes('compare.html#') && url.includes('..') ? url : url.split('#')[0];
    if (seen.has(plain)) continue;
    seen.add(plain);
    const path = fileURLToPath(plain.split('#')[0]);
    if (!existsSync(path)) { wrong.push(`a link leads nowhere: ${plain}`); continue; }
    if (!path.endsWith('.html')) continue;
    for (const scheme of ['light', 'dark']) {
      const page = await visit(browser, plain, scheme);
      await judge(page, plain, scheme);
      if (scheme === 'light') {
        for (const [href, download] of await links(page)) {
          if (!href.startsWith('file:')) continue;
          if (!href.startsWith(root)) wrong.push(`${plain}: leads out: ${href}`);
          const [to, anchor] = href.split('#');
          if (download && !existsSync(fileURLToPath(to))) wrong.push(`${plain}: leads nowhere: ${href}`);
          if (to === plain && anchor && !anchor.includes('..') && !(await page.$(`[id="${anchor}"]`))) wrong.push(`${plain}: no place #${anchor}`);
          if (to !== plain && anchor && !anchor.includes('..') && !readFileSync(fileURLToPath(to), 'utf8').includes(`id="${anchor}"`)) wrong.push(`${plain}: no place ${href}`);
          if (!download) waiting.push(href);
        }
        told[plain.slice(root.length)] = await page.evaluate(tables);
        sizes[plain.slice(root.length)] = readFileSync(path).length;
      }
      if (pictures) {
        const name = basename(path, '.html').slice(0, 20) + (plain.includes('#') ? '-two' : '');
        await page.screenshot({ path: join(pictures, `${name}-${scheme}.png`), fullPage: true });
      }
      await page.close();
      if (scheme === 'light') {
        const phone = await visit(browser, plain, 'light', { width: 360, height: 740, isMobile: true, deviceScaleFactor: 2 });
        const wide = await phone.evaluate(() => document.documentElement.scrollWidth);
        if (wide > 360) wrong.push(`${plain}: ${wide} pixels wide on a phone of 360`);
        if (pictures) await phone.screenshot({ path: join(pictures, `${basename(path, '.html').slice(0, 20)}${plain.includes('#') ? '-two' : ''}-phone.png`), fullPage: true });
        await phone.close();
      }
    }
  }
}

// By class or id, rows of cells.
function tables() {
  const rows = table => [...table.tBodies[0].rows].map(row => [...row.cells].map(cell => cell.textContent.trim()));
  const all = {};
  for (const table of document.querySelectorAll('table')) all[table.className || table.id || 'table'] = rows(table);
  return all;
}

(async () => {
  if (pictures) mkdirSync(pictures, { recursive: true });
  const browser = await puppeteer.launch({
    executablePath: chromium, headless: true,
    // No network at all: every name is unknown.
    args: ['--no-sandbox', '--disable-gpu', '--host-resolver-rules=MAP * ~NOTFOUND', '--disable-background-networking'],
  });
  try { await walk(browser); } finally { await browser.close(); }
  console.log(JSON.stringify({ wrong, serious, sizes, told, pages: [...seen].filter(url => /\.html/.test(url)).length }));
})();
