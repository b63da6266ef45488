// Creates an App as a person would: node app.cjs PACKAGES URL MOCK-PORT. Prints what it saw as JSON.
const path = require('path');
const [packages, url, port] = process.argv.slice(2);
const {chromium} = require(path.join(packages, 'node_modules', 'playwright-core'));

(async () => {
    const browser = await chromium.launch({executablePath: '/usr/bin/chromium', args: ['--no-sandbox',
        '--proxy-server=direct://', `--host-resolver-rules=MAP github.com:443 127.0.0.1:${port}`]});
    const context = await browser.newContext({ignoreHTTPSErrors: true});
    const page = await context.newPage(), found = {errors: []};
    page.on('console', m => m.type() === 'error' && found.errors.push(m.text()));
    page.on('pageerror', e => found.errors.push(String(e)));
    await page.goto(url);
    found.buttons = await page.locator('button').count();
    found.asks = await page.locator('li').allInnerTexts();
    await page.locator('button').click();
    await page.waitForSelector('text=Create GitHub App');
    found.github = page.url().split('?')[0];
    await page.locator('button').click();
    await page.waitForURL('http://127.0.0.1:*/created**');
    found.title = await page.locator('h1').innerText();
    found.link = await page.locator('a').getAttribute('href');
    await browser.close();
    console.log(JSON.stringify(found));
})().catch(error => { console.error(error); process.exit(1); });
