import chromium from '@sparticuz/chromium';
import { spawn, type ChildProcess } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';
import { brotliCompressSync } from 'node:zlib';
import { join } from 'node:path';
import { chromium as browsers, type Browser, type Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { loadSwiftShader } from '../../src/node/swiftshader.ts';
import { nncIn, temporary } from '../support/cli.ts';

/** The site in a real browser, as `nnc play` serves it. */
const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const PAGES = ['', 'learn/', 'neuron/', 'dance/', 'train/', 'gpt/', 'playground/'];

let server: ChildProcess;
let address = '';
let browser: Browser;
let page: Page;
const errors: string[] = [];
const foreign: string[] = [];

/** Starts `nnc play`; gives its address. */
async function play(...args: readonly string[]): Promise<{ readonly child: ChildProcess; readonly address: string }> {
  const child = spawn(process.execPath, ['dist/cli/main.js', 'play', '--no-open', ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
  const said = await new Promise<string>((resolve, reject) => {
    child.stdout.once('data', (text: Buffer) => resolve(text.toString().trim()));
    child.once('exit', (code) => reject(new Error(`nnc play ended with ${code ?? 0}`)));
  });
  return { child, address: said };
}

beforeAll(async () => {
  ({ child: server, address } = await play());
  browser = await browsers.launch({
    executablePath: await chromium.executablePath(),
    headless: true,
    args: ['--no-sandbox', '--no-first-run', '--disable-gpu'],
  });
  page = await browser.newPage();
  page.on('console', (m) => {
    if (m.type() === 'error') errors.push(m.text());
  });
  page.on('pageerror', (e) => errors.push(e.message));
  page.on('request', (r) => {
    if (!r.url().startsWith(new URL(address).origin) && !/^(data|blob):/.test(r.url())) foreign.push(r.url());
  });
});

afterEach(() => {
  expect(errors.splice(0)).toEqual([]);
  expect(foreign.splice(0)).toEqual([]);
});

afterAll(async () => {
  await (browser as Browser | undefined)?.close();
  server.kill();
});

const status = (text: RegExp): Promise<void> => page.locator('#status').filter({ hasText: text }).waitFor({ timeout: 60_000 });

describe('every page', () => {
  it.each(PAGES)('%s can be read by everyone, in both themes and on a phone', async (path) => {
    for (const [width, colorScheme] of [
      [1280, 'light'],
      [390, 'dark'],
    ] as const) {
      await page.setViewportSize({ width, height: 844 });
      await page.emulateMedia({ colorScheme });
      await page.goto(address + path);
      if (path === 'playground/') await status(/parameters/);
      if (path === 'train/' || path === 'gpt/') await status(/^ready on/);
      // The strict policy of the page forbids scripts from elsewhere, so axe comes in by the debugger.
      await page.evaluate(AXE);
      const found = await page.evaluate(async () => {
        const { axe } = globalThis as unknown as {
          axe: { run: () => Promise<{ violations: { id: string; nodes: { html: string }[] }[] }> };
        };
        const { violations } = await axe.run();
        return violations.map((v) => `${v.id}: ${v.nodes[0]?.html ?? ''}`);
      });
      expect(found).toEqual([]);
      if (path === '') await page.waitForLoadState('networkidle');
      const sideways = await page.evaluate(() => document.documentElement.scrollWidth > document.documentElement.clientWidth);
      expect(sideways).toBe(false);
    }
  });
});

describe('the keyboard alone', () => {
  it.each(PAGES)('reaches every control of %s', async (path) => {
    await page.setViewportSize({ width: 1280, height: 900 });
    await page.goto(address + path);
    if (path === 'playground/') await status(/parameters/);
    if (path === 'train/' || path === 'gpt/') await status(/^ready on/);
    const count = await page.evaluate(() => {
      // Of tabs, the one in front is reached, and arrow keys go to the others.
      const all = document.querySelectorAll<HTMLElement>(
        'a[href], button, select, input, textarea, [contenteditable="true"], [tabindex="0"]',
      );
      const shown = [...all].filter((e) => e.offsetParent !== null && e.tabIndex >= 0 && !(e as HTMLButtonElement).disabled && !e.hidden);
      shown.forEach((e, i) => e.setAttribute('data-stop', String(i)));
      return shown.length;
    });
    const reached = new Set<string>();
    for (let i = 0; i < count + 5; i++) {
      await page.keyboard.press('Tab');
      const stop = await page.evaluate(() => document.activeElement?.getAttribute('data-stop'));
      if (typeof stop === 'string') reached.add(stop);
    }
    expect(count).toBeGreaterThan(6);
    expect(reached.size).toBe(count);
  });
});

describe('the first load', () => {
  /** Kilobytes, as hosts compress them. */
  const LIMITS: Readonly<Record<string, number>> = { '': 10, 'playground/': 400 };

  it.each(PAGES)('of %s is small', async (path) => {
    const fresh = await browser.newContext({ serviceWorkers: 'block' });
    const visitor = await fresh.newPage();
    const bodies: Promise<Buffer>[] = [];
    fresh.on('response', (r) => bodies.push(r.body()));
    await visitor.goto(address + path);
    await visitor.waitForLoadState('networkidle');
    const all = await Promise.all(bodies);
    expect(all.length).toBeGreaterThan(3);
    expect(all.reduce((n, body) => n + brotliCompressSync(body).length, 0) / 1000).toBeLessThan(LIMITS[path] ?? 285);
    await fresh.close();
  });
});

describe('Neuron', () => {
  it('tells the tip, and follows the sliders from the keyboard', async () => {
    await page.setViewportSize({ width: 1280, height: 800 });
    await page.goto(`${address}neuron/`);
    const sentence = page.locator('#sentence');
    await sentence.filter({ hasText: '8 × 0.1 + 9 × 0.2 + 5 = 7.6' }).waitFor();
    await page.focus('#w2');
    await page.keyboard.press('ArrowLeft');
    await sentence.filter({ hasText: '9 × 0.15 + 5 = 7.15' }).waitFor();
    await page.selectOption('#activation', 'relu');
    await page.focus('#b');
    await page.keyboard.press('Home');
    await sentence.filter({ hasText: 'relu gives 0' }).waitFor();
  });
});

describe('The dance', () => {
  it('goes through the five moves with the numbers of one house, and on', async () => {
    await page.goto(`${address}dance/`);
    await status(/Press Forward/);
    const numbers = (): Promise<string | null> => page.textContent('#numbers');
    await page.click('#move-0');
    await status(/^Forward/);
    expect(await numbers()).toContain('predicted price');
    await page.click('#move-1');
    await status(/^Loss/);
    // The loss of one house is the difference squared, and its derivative twice the difference.
    const found =
      /difference(-?[\d.]+)loss, the difference squared([\d.]+)/
        .exec((await numbers()) ?? '')
        ?.slice(1)
        .map(Number) ?? [];
    const [difference = NaN, loss = NaN] = found;
    expect(Math.abs(difference ** 2 / loss - 1)).toBeLessThan(2e-3);
    await page.click('#move-3');
    await status(/^Backward/);
    const blame = Number(/2 × difference(-?[\d.]+)/.exec((await numbers()) ?? '')?.[1]);
    expect(Math.abs(blame / (2 * difference) - 1)).toBeLessThan(2e-3);
    expect(await page.locator('.edge title').first().textContent()).toMatch(/^d loss \/ d 0\.weight\[0\] = /);
    await page.click('#move-4');
    await status(/^Step/);
    expect(await numbers()).toContain('step1');
    await page.click('#steps-500');
    await page.locator('#numbers').filter({ hasText: 'step501' }).waitFor();
  });
});

describe('Train', () => {
  it('trains the house as the command line does, pauses, goes on, and looks back', async () => {
    await page.goto(`${address}train/`);
    await status(/^ready on/);
    await page.click('#train');
    await status(/^training/);
    expect(await page.textContent('#train')).toBe('Pause');
    await page.waitForTimeout(300);
    await page.click('#train');
    await status(/^paused/);
    // A frame may be on its way still.
    await page.waitForTimeout(200);
    const at = await page.textContent('[data-name="step"]');
    await page.waitForTimeout(300);
    expect(await page.textContent('[data-name="step"]')).toBe(at);
    await page.click('#train');
    await status(/^done/);
    expect(await page.textContent('[data-name="step"]')).toBe('500 of 500');
    // The last loss is 2214.7 on the processor, as `nnc train examples/house.nn --device cpu` prints it.
    expect(await page.textContent('[data-name="loss"]')).toBe('2215');
    // Every loss of the run is that of the command line, bit for bit.
    const dir = temporary();
    const [file] = await Promise.all([page.waitForEvent('download'), page.click('#save')]);
    await file.saveAs(join(dir, 'losses.csv'));
    const shown = readFileSync(join(dir, 'losses.csv'), 'utf8').trim().split('\n').slice(1);
    await nncIn(process.cwd(), {}, 'train', 'examples/house.nn', '--device', 'cpu', '--log', join(dir, 'log.jsonl'));
    const logged = readFileSync(join(dir, 'log.jsonl'), 'utf8')
      .trim()
      .split('\n')
      .map((l) => JSON.parse(l) as { step: number; loss: number });
    expect(logged).toHaveLength(500);
    expect(shown).toEqual(logged.map(({ step, loss }) => `${step},${loss}`));
    await page.focus('#back');
    await page.keyboard.press('Home');
    expect(Number((await page.textContent('[data-name="step (looking back)"]'))?.split(' ')[0])).toBeLessThan(60);
  });

  it('compares two nets side by side, and many seeds', async () => {
    await page.goto(`${address}train/`);
    await status(/^ready on/);
    await page.getByLabel('speed').selectOption('');
    await page.click('#compare');
    await status(/^two nets/);
    await page.click('#train');
    await status(/^done/);
    await page.locator('#second [data-name="step"]').filter({ hasText: '500 of 500' }).waitFor();
    const losses = await page.locator('[data-name="loss"]').allTextContents();
    // The same seed, and another learning rate.
    expect(losses).toHaveLength(2);
    expect(Number(losses[1])).toBeLessThan(Number(losses[0]));
    await page.click('#seeds');
    await page
      .locator('#fan-says')
      .filter({ hasText: /^From 20 seeds the last loss is between [\d,]+ and [\d,]+;/ })
      .waitFor();
    expect(await page.locator('#fan polyline').count()).toBe(21);
    // The net that was trained is still there.
    expect(await page.locator('[data-name="loss"]').allTextContents()).toEqual(losses);
    await page.click('#compare');
    await page.locator('#second').waitFor({ state: 'hidden' });
  });

  it('does what was asked last, however fast the buttons are pressed', async () => {
    await page.goto(`${address}train/`);
    await status(/^ready on/);
    // One step a second: the pause must not wait for it.
    await page.getByLabel('speed').selectOption('1');
    for (const id of ['train', 'train', 'step', 'step', 'step']) await page.click(`#${id}`);
    await status(/^step [34]$/);
    await page.waitForTimeout(300);
    const before = Number((await page.textContent('[data-name="step"]'))?.split(' ')[0]);
    await page.click('#step');
    await page.click('#step');
    await status(new RegExp(`^step ${before + 2}$`));
    await page.click('#reset');
    await page.getByLabel('speed').selectOption('');
    await page.click('#train');
    await status(/^done: 500 steps/);
  });

  it('says why a rate that is too large breaks, and Reset begins again', async () => {
    await page.goto(`${address}train/`);
    await status(/^ready on/);
    await page.getByLabel('learning rate').first().selectOption('1e20');
    await page.getByLabel('speed').selectOption('');
    await page.click('#train');
    await status(/the loss is .* at step \d+\. try a smaller learning rate/);
    await page.getByLabel('learning rate').first().selectOption('0.1');
    await page.click('#reset');
    await status(/^back at the beginning/);
    await page.click('#train');
    await status(/^done/);
  });
});

describe('From neuron to GPT', () => {
  it('runs a cell beside PyTorch, checks the challenge, and remembers it', async () => {
    await page.goto(`${address}learn/`);
    await page.getByRole('button', { name: 'Run' }).first().click();
    await page.getByLabel('what nnc prints').filter({ hasText: 'tip 7.6' }).waitFor();
    expect(await page.getByLabel('what PyTorch prints').textContent()).toContain('tip 7.6');
    const program = page.getByLabel('your program', { exact: true });
    await page.click('#try');
    await page.locator('#verdict').filter({ hasText: 'Not yet: sum should be -2.' }).waitFor();
    await program.fill((await program.inputValue()).replace('let b = 5', 'let b = -4.6'));
    await program.press('Control+Enter');
    await page.locator('#verdict').filter({ hasText: '✓ Silent' }).waitFor();
    await program.fill('print tip');
    await page.click('#try');
    await page.locator('#verdict').filter({ hasText: "It does not run: 'tip' is not defined" }).waitFor();
    await page.reload();
    await page.locator('#chapters a').filter({ hasText: 'A neuron ✓' }).waitFor();
  });

  it('trains the house as PyTorch does', async () => {
    await page.goto(`${address}learn/#house`);
    await page.locator('.cell #train').click();
    const said = page.getByLabel('what nnc prints');
    await said.filter({ hasText: 'a house of 3.0 costs 654.1' }).waitFor();
    expect(await said.textContent()).toContain('last loss 2561.21');
    await page.getByRole('link', { name: 'Next: Words become places' }).click();
    await page.locator('h1').filter({ hasText: 'Words become places' }).waitFor();
    // The heading has the focus, so that a screen reader goes on there.
    expect(await page.evaluate(() => document.activeElement?.tagName)).toBe('H1');
  });

  it("learns the reader's own text, and writes", async () => {
    await page.goto(`${address}learn/#gpt`);
    await page.fill('#own', 'ab'.repeat(20));
    await page.locator('#train').click();
    await page.locator('#status').filter({ hasText: 'the text has 40 characters; give at least 200' }).waitFor();
    await page.fill('#own', 'abcd '.repeat(100));
    await page.locator('#train').click();
    await page.waitForFunction(
      () => Number((document.querySelector('[data-name="step"]')?.textContent ?? '0').split(' ')[0]) >= 150,
      undefined,
      {
        timeout: 60_000,
      },
    );
    await page.fill('#prompt', 'abcd a');
    await page.locator('#temperature').fill('0');
    await page.click('#write');
    await page
      .locator('#written')
      .filter({ hasText: /^abcd abcd abcd/ })
      .waitFor();
    await page.locator('#train').click();
    await page.locator('#status').filter({ hasText: 'paused' }).waitFor();
  });
});

describe('GPT', () => {
  it('trains, answers what is typed, and says what it does not take', async () => {
    await page.goto(`${address}gpt/`);
    await status(/^ready on/);
    await page.click('#train');
    await page.waitForFunction(
      () => Number((document.querySelector('[data-name="step"]')?.textContent ?? '0').split(' ')[0]) >= 5,
      undefined,
      { timeout: 60_000 },
    );
    await page.click('#train');
    await page.fill('#first', '4');
    await page.fill('#second', '38');
    await page.click('#predict');
    await page
      .locator('#answer')
      .filter({ hasText: /^4 \+ 38 = .+, which is (right|wrong)/ })
      .waitFor();
    // Who looks at whom: no place looks ahead, so the upper half of the map is 0.
    await page.locator('#attention svg').filter({ hasText: 'looks at, in percent' }).waitFor();
    const cells = await page.locator('#attention .heat').evaluateAll((all) => all.map((c) => Number(c.getAttribute('fill-opacity'))));
    expect(cells).toHaveLength(64);
    expect(cells.filter((_, i) => i % 8 > Math.floor(i / 8)).every((v) => v === 0.04)).toBe(true);
    expect(cells[0]).toBe(0.5);
    await page.fill('#second', '3x');
    await page.click('#predict');
    await page.locator('#answer').filter({ hasText: 'give two numbers from 0 to 99' }).waitFor();
  });
});

describe('Playground', () => {
  const TABLE = `city,sqm,price\n${Array.from({ length: 60 }, (_, i) => `${['Paris', 'Lyon', 'Nice'][i % 3] ?? ''},${20 + ((i * 7) % 30)},${(i * 7) % 30 > 14 ? 'high' : 'low'}`).join('\n')}`;

  it('goes from a pasted table with words to a named prediction in six steps', async () => {
    await page.goto(`${address}playground/`);
    await status(/parameters/);
    // 1: paste, 2: a program, 3: train, 4: ask, 5: fill in, 6: predict.
    await page.fill('#paste', TABLE);
    await page.click('#use');
    await page.locator('.cm-content').filter({ hasText: 'table.csv' }).waitFor();
    await page.click('#train');
    await status(/^done/);
    await page.click('#tab-Ask');
    await page.getByLabel('sqm').fill('25');
    await page.getByLabel('city').selectOption('Lyon');
    await page.click('#predict');
    await page
      .locator('#answer')
      .filter({ hasText: /low|high/ })
      .waitFor();
    expect(await page.textContent('#answer')).toBe('low');
  });

  it('shows what is wrong with a program, and every pane', async () => {
    await page.goto(`${address}playground/`);
    await status(/parameters/);
    await page.click('.cm-content');
    await page.keyboard.press('Control+a');
    await page.keyboard.type('layer Dense(4)');
    await status(/there is no layer 'Dense'.*write Linear/);
    await page.click('#train');
    await status(/there is no layer 'Dense'/);
    await page.selectOption('#examples', '1');
    await status(/parameters/);
    await page.click('#step');
    await status(/^step 1/);
    await page.click('#tab-Passes');
    await page.locator('#pass').filter({ hasText: 'graph program' }).waitFor();
    await page.selectOption('#passes', { index: 2 });
    expect(await page.locator('#pass mark').count()).toBeGreaterThan(0);
    await page
      .locator('.cm-line')
      .filter({ hasText: /^layer/ })
      .click();
    expect(await page.locator('#pass .lit').count()).toBeGreaterThan(3);
    await page.locator('#pass .line').filter({ hasText: 'reduce_sum' }).first().click();
    expect(await page.locator('#pass .lit').filter({ hasText: 'reduce_sum' }).count()).toBeGreaterThan(0);
    for (const [tab, id, text] of [
      ['AST', 'ast', 'layer @'],
      ['Kernels', 'kernels', 'kernel k0'],
      ['WGSL', 'wgsl', '@compute'],
      ['Memory', 'memory', 'state_params'],
    ] as const) {
      await page.click(`#tab-${tab}`);
      await page.locator(`#${id}`).filter({ hasText: text }).waitFor();
    }
    // The cursor stands on the layer line still, and its nodes are lit in each text.
    expect(await page.locator('#ast .lit').count()).toBeGreaterThan(0);
    expect(await page.locator('#kernels .lit, #wgsl .lit').count()).toBeGreaterThan(0);
    await page.focus('#tab-Memory');
    await page.keyboard.press('ArrowRight');
    await page.locator('#plan').filter({ hasText: '"nnc-plan"' }).waitFor();
    await page.click('#tab-Values');
    await page.selectOption('#watched', 'grad(0.weight)');
    await page.locator('#spread svg').filter({ hasText: 'grad(0.weight)' }).waitFor();
    expect(await page.textContent('#pane-Values dl')).toMatch(/shape\[16, 4\]mean-?\d/);
    await page.click('#tab-Net');
    expect(await page.locator('#net svg').count()).toBe(1);
  });

  it('knows the words of the language: completion, hover, layout', async () => {
    await page.goto(`${address}playground/`);
    await status(/parameters/);
    await page.click('.cm-content');
    await page.keyboard.press('Control+a');
    await page.keyboard.type('layer   Linear(1, 2)  ->  gelu\nloss hub');
    const list = page.locator('.cm-tooltip-autocomplete');
    await list.filter({ hasText: 'huber' }).waitFor();
    // Only losses stand behind `loss`.
    expect(await list.textContent()).not.toContain('Linear');
    await page.keyboard.press('Escape');
    const word = await page.evaluate(() => {
      const walker = document.createTreeWalker(document.querySelector('.cm-line') ?? document.body, NodeFilter.SHOW_TEXT);
      for (let node = walker.nextNode(); node; node = walker.nextNode()) {
        const at = node.textContent?.indexOf('gelu') ?? -1;
        if (at < 0) continue;
        const range = document.createRange();
        range.setStart(node, at);
        range.setEnd(node, at + 4);
        const { x, y, width, height } = range.getBoundingClientRect();
        return { x: x + width / 2, y: y + height / 2 };
      }
      return { x: 0, y: 0 };
    });
    await page.mouse.move(word.x, word.y, { steps: 3 });
    const hover = page.locator('.hover');
    await hover.filter({ hasText: 'PyTorch' }).waitFor();
    expect(await hover.textContent()).toMatch(/^gelu.*torch\.nn\.functional\.gelu/s);
    await page.keyboard.press('End');
    await page.keyboard.type('er');
    await page.keyboard.press('Escape');
    await page.click('#tidy');
    await page.locator('.cm-line').filter({ hasText: 'layer Linear(1, 2) -> gelu' }).waitFor();
  });

  it('gives away a page that opens from a disk, with the weights of now', async () => {
    await page.goto(`${address}playground/`);
    await status(/parameters/);
    await page.selectOption('#examples', '1');
    await status(/131 parameters/);
    await page.click('#train');
    await status(/^done/);
    await page.click('#tab-Ask');
    await page.click('#predict');
    await page.locator('.shares li').first().waitFor();
    const shares = await page.textContent('.shares');
    const dir = temporary();
    const [given] = await Promise.all([page.waitForEvent('download'), page.click('#page')]);
    await given.saveAs(join(dir, 'flowers.html'));
    const visitor = await browser.newPage();
    const complaints: string[] = [];
    visitor.on('console', (m) => m.type() === 'error' && complaints.push(m.text()));
    visitor.on('pageerror', (e) => complaints.push(e.message));
    await visitor.goto(pathToFileURL(join(dir, 'flowers.html')).href);
    await visitor
      .locator('#status')
      .filter({ hasText: /^ready/ })
      .waitFor();
    await visitor.click('#predict');
    await visitor.locator('.shares li').first().waitFor();
    expect(await visitor.textContent('.shares')).toBe(shares);
    await visitor.click('#step');
    await visitor.locator('#status').filter({ hasText: 'step 1' }).waitFor();
    expect(complaints).toEqual([]);
    await visitor.close();
  });

  it('takes points that are drawn', async () => {
    await page.goto(`${address}playground/`);
    await status(/parameters/);
    await page.click('#draw');
    const square = page.locator('#points');
    for (const [group, x] of [
      ['sun', 60],
      ['moon', 200],
    ] as const) {
      await page.selectOption('#group', group);
      for (let y = 20; y < 260; y += 30) await square.click({ position: { x, y } });
    }
    await page.click('#use');
    await page.locator('.cm-content').filter({ hasText: 'y=group' }).waitFor();
    await page.click('#train');
    await status(/^done/);
    await page.locator('#figure svg').filter({ hasText: 'moon' }).waitFor();
  });

  it('begins with the program of nnc play FILE and its data', async () => {
    const dir = temporary();
    writeFileSync(join(dir, 'own.csv'), 'a,b\n1,2\n2,4\n3,6\n');
    writeFileSync(join(dir, 'own.nn'), 'data "own.csv" x=a y=b\nlayer Linear(1, 1)\nloss mse\noptim sgd lr=0.05\ntrain epochs=20\n');
    const own = await play(join(dir, 'own.nn'));
    try {
      await page.goto(own.address);
      await status(/2 parameters/);
      expect(await page.textContent('.cm-content')).toContain('own.csv');
      await page.click('#train');
      await status(/^done/);
      expect(await page.textContent('[data-name="examples"]')).toBe('3');
    } finally {
      own.child.kill();
      // All that this page asked for came from its own address.
      expect(foreign.filter((url) => !url.startsWith(new URL(own.address).origin))).toEqual([]);
      foreign.length = 0;
    }
  });
});

describe('nnc play', () => {
  const ask = (path: string, headers: Readonly<Record<string, string>> = {}, method = 'GET'): Promise<number> =>
    new Promise((resolve, reject) => {
      const { port } = new URL(address);
      request({ host: '127.0.0.1', port, path, method, headers }, (r) => resolve(r.resume().statusCode ?? 0))
        .on('error', reject)
        .end();
    });

  it('gives its own files to its own pages, and nothing else', async () => {
    expect(await ask('/train/')).toBe(200);
    expect(await ask('/')).toBe(200);
    expect(await ask('/../package.json')).toBe(404);
    expect(await ask('/%2e%2e/package.json')).toBe(404);
    expect(await ask('/given.json')).toBe(404);
    expect(await ask('/', { Host: 'example.org' })).toBe(403);
    expect(await ask('/', { Origin: 'https://example.org' })).toBe(403);
    expect(await ask('/', {}, 'POST')).toBe(405);
  });

  it('tells what is wrong before it serves', async () => {
    const dir = temporary();
    writeFileSync(join(dir, 'bad.nn'), 'layer Dense(4)\n');
    const bad = await nncIn(dir, {}, 'play', 'bad.nn', '--no-open');
    expect([bad.code, bad.stderr]).toEqual([1, expect.stringContaining("there is no layer 'Dense'")]);
    const taken = await nncIn(dir, {}, 'play', '--no-open', '--port', new URL(address).port);
    expect([taken.code, taken.stderr]).toEqual([2, expect.stringContaining('is taken: give another one with --port')]);
  });
});

describe('what can go wrong', () => {
  it('pauses when the page is hidden, and goes on at the same step', async () => {
    await page.goto(`${address}train/`);
    await status(/^ready on/);
    await page.click('#train');
    await status(/^training/);
    await page.waitForTimeout(200);
    const hide = (hidden: boolean): Promise<void> =>
      page.evaluate((value) => {
        Object.defineProperty(document, 'hidden', { value, configurable: true });
        document.dispatchEvent(new Event('visibilitychange'));
      }, hidden);
    await hide(true);
    await status(/^paused, since the page was hidden/);
    await page.waitForTimeout(200);
    const step = await page.textContent('[data-name="step"]');
    await page.waitForTimeout(300);
    expect(await page.textContent('[data-name="step"]')).toBe(step);
    await hide(false);
    await page.getByLabel('speed').selectOption('');
    await page.click('#train');
    await status(/^done/);
    const at = Number(step?.split(' ')[0]);
    expect(await page.textContent('#status')).toMatch(new RegExp(`^done: ${500 - at} steps`));
  });

  it('says what is wrong with a file that is no data', async () => {
    await page.goto(`${address}playground/`);
    await status(/parameters/);
    const choose = (name: string, content: string | Buffer): Promise<void> =>
      page.getByLabel('a file of examples').setInputFiles({ name, mimeType: '', buffer: Buffer.from(content) });
    await choose('bad.csv', 'price,size\n1\n2,3\n');
    await status(/^bad\.csv, line 2: this line has 1 cells, and the head has 2/);
    await choose('noise.parquet', Buffer.from([1, 2, 3, 4]));
    await status(/the program now reads noise\.parquet/);
    await page.click('#train');
    await status(/noise\.parquet cannot be read as a Parquet file/);
    // Another file mends it.
    await choose('good.csv', 'size,price\n1.5,2\n2.5,4\n3.1,6\n4.7,8\n5.2,10\n6.6,12\n');
    await status(/the program fits your data/);
  });

  it('says why there is no graphics card to train on', async () => {
    await page.goto(`${address}train/`);
    await status(/^ready on WebAssembly.*: WebGPU is not there/);
    await page.goto(`${address}train/?device=gpu`);
    await status(/^WebGPU is not there\. use a browser with WebGPU/);
  });

  it('opens again without a network', async () => {
    const own = await play();
    const other = await browser.newContext();
    try {
      const visitor = await other.newPage();
      await visitor.goto(`${own.address}train/`);
      const ready = (): Promise<void> =>
        visitor
          .locator('#status')
          .filter({ hasText: /^ready on/ })
          .waitFor();
      await ready();
      await visitor.evaluate(() => navigator.serviceWorker.ready.then(() => undefined));
      // From the second visit on, everything came by way of the service worker.
      await visitor.reload();
      await ready();
      own.child.kill();
      await new Promise((resolve) => own.child.once('exit', resolve));
      await visitor.reload();
      await ready();
      await visitor.getByLabel('speed').selectOption('');
      await visitor.click('#train');
      await visitor
        .locator('#status')
        .filter({ hasText: /^done: 500 steps/ })
        .waitFor();
      await visitor.goto(`${own.address}neuron/`);
      expect(await visitor.textContent('body')).toContain('There is no network, and this page was not opened before');
    } finally {
      await other.close();
      own.child.kill();
    }
  });
});

describe('on WebGPU', () => {
  it('trains the house as the processor does, and survives the loss of the device', async () => {
    // The browser's GPU process needs the driver, which the command line finds by itself.
    await loadSwiftShader();
    const withGpu = await browsers.launch({
      executablePath: await chromium.executablePath(),
      headless: true,
      args: ['--no-sandbox', '--enable-unsafe-webgpu', '--use-webgpu-adapter=swiftshader', '--enable-features=Vulkan', '--no-first-run'],
    });
    try {
      const gpu = await withGpu.newPage();
      const complaints: string[] = [];
      gpu.on('pageerror', (e) => complaints.push(e.message));
      const says = (text: RegExp): Promise<void> => gpu.locator('#status').filter({ hasText: text }).waitFor({ timeout: 60_000 });
      const dir = temporary();
      const losses = async (): Promise<number[]> => {
        const [file] = await Promise.all([gpu.waitForEvent('download'), gpu.click('#save')]);
        await file.saveAs(join(dir, 'losses.csv'));
        return readFileSync(join(dir, 'losses.csv'), 'utf8')
          .trim()
          .split('\n')
          .slice(1)
          .map((line) => Number(line.split(',')[1]));
      };
      const train = async (device: string): Promise<number[]> => {
        await gpu.goto(`${address}train/?device=${device}`);
        await says(/^ready on/);
        await gpu.getByLabel('speed').selectOption('');
        await gpu.click('#train');
        await says(/^done: 500 steps/);
        return losses();
      };
      const [here, there] = [await train('cpu'), await train('gpu')];
      expect(here).toHaveLength(500);
      expect(there).toHaveLength(500);
      expect(Math.max(...there.map((loss, i) => Math.abs(loss / (here[i] ?? NaN) - 1)))).toBeLessThan(1e-5);
      // The next device is one that the test can take away, in the middle of a training.
      const [worker] = gpu.workers();
      await worker?.evaluate(() => {
        const { prototype } = GPUAdapter;
        const request = prototype.requestDevice;
        prototype.requestDevice = async function (...given) {
          const device = await request.apply(this, given);
          Object.assign(globalThis, { taken: device });
          return device;
        };
      });
      await gpu.click('#reset');
      await says(/^back at the beginning/);
      await gpu.getByLabel('speed').selectOption('100');
      await gpu.click('#train');
      await gpu.waitForTimeout(500);
      await worker?.evaluate(() => (globalThis as unknown as { taken: GPUDevice }).taken.destroy());
      await says(/^the device was lost; it continues on/);
      await gpu.getByLabel('speed').selectOption('');
      await says(/^done/);
      // As if nothing had happened.
      const after = await losses();
      expect(after).toHaveLength(500);
      expect(Math.max(...after.map((loss, i) => Math.abs(loss / (here[i] ?? NaN) - 1)))).toBeLessThan(1e-5);
      expect(complaints).toEqual([]);
    } finally {
      await withGpu.close();
    }
  });
});
