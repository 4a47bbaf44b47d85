// Screenshots of every page of the site: two widths, two themes, before, during and after training.
import { spawn } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import chromium from '@sparticuz/chromium';
import { chromium as browsers } from 'playwright-core';

const out = process.argv[2] ?? 'shots';
mkdirSync(out, { recursive: true });
const server = spawn(process.execPath, ['dist/cli/main.js', 'play', '--no-open'], { stdio: ['ignore', 'pipe', 'inherit'] });
const address = await new Promise((resolve) => server.stdout.once('data', (text) => resolve(String(text).trim())));
const browser = await browsers.launch({ executablePath: await chromium.executablePath(), args: chromium.args, headless: true });
const page = await browser.newPage();
page.on('console', (m) => {
  if (m.type() === 'error') console.error(`console: ${m.text()}`);
});
page.on('pageerror', (e) => console.error(`page: ${e.message}`));

const SIZES = { wide: { width: 1280, height: 800 }, phone: { width: 390, height: 844 } };
try {
  for (const [size, viewport] of Object.entries(SIZES))
    for (const colorScheme of ['light', 'dark']) {
      await page.setViewportSize(viewport);
      await page.emulateMedia({ colorScheme });
      const shot = (name) => page.screenshot({ path: join(out, `${name}-${size}-${colorScheme}.png`), fullPage: true });
      await page.goto(address);
      await shot('home');
      await page.goto(`${address}neuron/`);
      await page.locator('#sentence').filter({ hasText: '7.6' }).waitFor();
      await shot('neuron-1');
      await page.selectOption('#activation', 'sigmoid');
      await page.locator('#w2').fill('-0.8');
      await page.waitForTimeout(200);
      await shot('neuron-2');
      await page.goto(`${address}dance/`);
      for (const move of [0, 1, 2, 3, 4]) {
        await page.click(`#move-${move}`);
        await page.waitForTimeout(150);
        await shot(`dance-${move}`);
      }
      await page.goto(`${address}learn/`);
      await page.getByRole('button', { name: 'Run' }).first().click();
      await page.getByLabel('what nnc prints').filter({ hasText: 'tip' }).waitFor();
      await page.click('#try');
      await page.waitForTimeout(300);
      await shot('learn-1');
      await page.goto(`${address}learn/#house`);
      await page.locator('.cell #train').click();
      await page.getByText(/^done/).waitFor();
      await shot('learn-7');
      await page.goto(`${address}learn/#attention`);
      await page.getByRole('button', { name: 'Run' }).first().click();
      await page.waitForTimeout(600);
      await shot('learn-9');
      await page.goto(`${address}learn/#gpt`);
      await page.locator('#train').click();
      await page.waitForTimeout(4000);
      await shot('learn-10');
      await page.goto(`${address}train/`);
      await page.getByText(/^ready on/).waitFor();
      await shot('train-1-before');
      await page.click('#train');
      await page.waitForTimeout(1500);
      await shot('train-2-during');
      await page.getByText(/^done/).waitFor({ timeout: 60_000 });
      await shot('train-3-after');
      await page.locator('#speed').selectOption('');
      await page.click('#compare');
      await page.click('#train');
      await page.getByText(/^done/).waitFor({ timeout: 60_000 });
      await page.click('#seeds');
      await page.locator('#fan-says').filter({ hasText: 'last loss' }).waitFor();
      await shot('train-4-two');
      await page.goto(`${address}gpt/`);
      await page.getByText(/^ready on/).waitFor({ timeout: 60_000 });
      await page.click('#train');
      await page.waitForTimeout(4000);
      await page.click('#predict');
      await page.waitForTimeout(400);
      await shot('gpt-1-during');
      await page.goto(`${address}playground/`);
      await page
        .getByText(/parameters/)
        .first()
        .waitFor();
      await shot('playground-1-before');
      await page.selectOption('#examples', '3');
      await page.click('#train');
      await page.waitForTimeout(1500);
      await shot('playground-2-during');
      await page.getByText(/^done/).waitFor({ timeout: 120_000 });
      await shot('playground-3-after');
      for (const tab of ['Ask', 'Net', 'Values', 'Passes', 'AST', 'Kernels', 'WGSL', 'Memory', 'Plan']) {
        await page.click(`#tab-${tab}`);
        if (tab === 'Passes') {
          await page.locator('#pass').filter({ hasText: 'graph' }).waitFor();
          await page.selectOption('#passes', { index: 2 });
        }
        await page.waitForTimeout(200);
        await shot(`playground-4-${tab.toLowerCase()}`);
      }
      await page.click('#tab-Training');
      await page.selectOption('#examples', '4');
      await page.click('#train');
      await page.locator('.images figcaption').first().waitFor({ timeout: 60_000 });
      await page.waitForTimeout(2000);
      await shot('playground-5-images');
      await page.click('#tab-Ask');
      await page.locator('#pad').waitFor();
      await shot('playground-6-pad');
    }
} finally {
  await browser.close();
  server.kill();
}
console.log(`${out}: done`);
