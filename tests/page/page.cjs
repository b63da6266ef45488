// Opens the page as a person would, and prints what it finds as JSON: node page.cjs PACKAGES URL [PICTURE-FOLDER]
// Chromium may reach nothing but the page.
const path = require('path');
const [packages, url, pictures] = process.argv.slice(2);
const load = name => require(path.join(packages, 'node_modules', name));
const {chromium} = load('playwright-core');
const axe = require('fs').readFileSync(path.join(packages, 'node_modules/axe-core/axe.min.js'), 'utf8');
const ways = [['wide', 1400, 900, 'light'], ['wide-dark', 1400, 900, 'dark'], ['phone', 390, 844, 'light'], ['phone-dark', 390, 844, 'dark']];

async function examine(browser, [name, width, height, colorScheme], found) {
    const context = await browser.newContext({viewport: {width, height}, colorScheme, locale: 'en-GB', timezoneId: 'UTC'});
    const page = await context.newPage();
    page.on('console', m => m.type() === 'error' && found.errors.push(`${name}: ${m.text()}`));
    page.on('pageerror', e => found.errors.push(`${name}: ${e}`));
    page.on('request', r => r.url().startsWith(url) || found.foreign.push(r.url()));
    await page.goto(url);
    await page.waitForSelector('#events .deny');
    await page.waitForSelector('#rules strong');
    found.events = await page.locator('#events > li').count();

    // By keyboard alone: a refusal is chosen and opened, and stays so when the page is loaded anew.
    await page.locator('#decision').focus();
    await page.keyboard.type('refused');
    await page.locator('#events button').first().focus();
    await page.keyboard.press('Enter');
    await page.waitForSelector('#events pre');
    found.refused = await page.locator('#events > li').count();
    found.advice = await page.locator('#events .detail').innerText();
    await page.reload();
    await page.waitForSelector('#events pre');
    found.kept = await page.locator('#decision').inputValue() === 'deny' && await page.locator('#events > li').count() === found.refused;
    await page.waitForSelector('#rules strong');
    found.rules = await page.locator('#rules').innerText();
    found.credentials = await page.locator('#credentials').innerText();

    // axe comes in by the debugger: the page's policy lets no other script in.
    await page.evaluate(axe);
    const result = await page.evaluate(() => window.axe.run());
    for (const each of result.violations)
        found.axe.push(`${name}: ${each.id}: ${each.nodes.map(n => n.target.join(' ')).join(', ')}`);
    found.overflow ||= await page.evaluate(() => document.documentElement.scrollWidth > window.innerWidth);
    if (pictures)
        await page.screenshot({path: path.join(pictures, `${name}.png`)});
    found.policy = await page.evaluate(() => new Promise(done => {
        document.addEventListener('securitypolicyviolation', () => done('refused'), {once: true});
        const script = document.createElement('script');
        script.textContent = 'window.foreign = true';
        document.body.append(script);
        setTimeout(() => done(window.foreign ? 'run' : 'nothing'), 1000);
    }));
    await page.fill('#text', 'no such text');
    found.none = await page.locator('#none').innerText();
    await context.close();
}

(async () => {
    const found = {errors: [], foreign: [], axe: [], overflow: false};
    const browser = await chromium.launch({executablePath: '/usr/bin/chromium', args: ['--no-sandbox', '--disable-gpu', '--disable-quic',
        '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync', '--no-proxy-server']});
    for (const way of ways)
        await examine(browser, way, found);
    await browser.close();
    found.errors = found.errors.filter(text => !/Content Security Policy/.test(text)); // the script that was put in above
    console.log(JSON.stringify(found));
})().catch(e => { console.error(e); process.exit(1); });
