import { createServer, type Server } from 'node:http';
import { existsSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { extname, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { pathToFileURL } from 'node:url';
import chromiumPackage from '@sparticuz/chromium';
import { chromium, type Browser, type Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { findAdapter } from '../../src/node/gpu.ts';
import type { Plan } from '../../src/plan.ts';
import type { BackendName } from '../../src/sections.ts';
import type { Runner } from '../../src/runtime/api.ts';
import { nnc, temporary } from '../support/cli.ts';

/** What `nnc build` writes, in Node and in a real browser with WebGPU, under the page's own content security policy. */
const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html',
  '.js': 'text/javascript',
  '.css': 'text/css',
  '.json': 'application/json',
};
const folder = join(temporary(), 'page');

const planOf = (out: string): Plan => JSON.parse(readFileSync(join(out, 'plan.json'), 'utf8')) as Plan;
/** A plan as if it had been made without a backend. */
const without = (name: BackendName, plan: Plan): Plan => ({ ...plan, elsewhere: plan.elsewhere?.filter((n) => n !== name) });
/** The section of a backend, from its own file. */
const sectionsIn =
  (out: string) =>
  (name: string): Promise<unknown> =>
    Promise.resolve(JSON.parse(readFileSync(join(out, `plan.${name}.json`), 'utf8')));

beforeAll(async () => {
  const r = await nnc('build', 'examples/house.nn', '-o', folder);
  expect(r.code, r.stderr).toBe(0);
});

describe('the built folder', () => {
  it('holds what a page needs, and no more', () => {
    expect(readdirSync(folder).sort()).toEqual([
      'data.safetensors',
      'index.html',
      'kernels.js',
      'model.wgsl',
      'page.css',
      'page.js',
      'page.json',
      'plan.js.json',
      'plan.json',
      'plan.wasm.json',
      'plan.webgpu.json',
      'runner.d.ts',
      'runner.js',
      'worker.js',
    ]);
    expect(readFileSync(join(folder, 'model.wgsl'), 'utf8')).toContain('@compute @workgroup_size(64)');
    const runner = readFileSync(join(folder, 'runner.js'), 'utf8');
    expect(runner).not.toMatch(/\bimport\b[^(.]/);
    expect(runner.length).toBeLessThan(60_500);
    expect(gzipSync(runner, { level: 9 }).length).toBeLessThan(23_400);
    expect(readFileSync(join(folder, 'runner.d.ts'), 'utf8')).not.toMatch(/import |GPU[A-Z]/);
  });

  it('is built again in place, and a folder with other things is left alone', async () => {
    expect((await nnc('build', 'examples/house.nn', '-o', folder)).code).toBe(0);
    const other = temporary();
    writeFileSync(join(other, 'thesis.txt'), 'years of work');
    const r = await nnc('build', 'examples/house.nn', '-o', other);
    expect(r.code).toBe(1);
    expect(r.stderr).toContain('holds other files, and building would take them away');
    expect(existsSync(join(other, 'thesis.txt'))).toBe(true);
  });

  it.each(['gpu', 'cpu', 'js'] as const)('trains and predicts in Node on the %s', async (kind) => {
    const device = kind === 'gpu' ? 'gpu' : 'cpu';
    const runner = (await import(pathToFileURL(join(folder, 'runner.js')).href)) as Runner;
    const { kernels } = (await import(pathToFileURL(join(folder, 'kernels.js')).href)) as { kernels: unknown[] };
    const { found } = await findAdapter();
    const gpu = { requestAdapter: () => Promise.resolve(found?.adapter) };
    // Without WebAssembly, as where a page forbids it, JavaScript stands in.
    const plan = kind === 'js' ? without('wasm', planOf(folder)) : planOf(folder);
    const asked: string[] = [];
    const sections = (name: string): Promise<unknown> => {
      asked.push(name);
      return sectionsIn(folder)(name);
    };
    const model = await runner.load(plan, { device, gpu, kernels, sections });
    // Only what the device needs is brought.
    expect(asked).toEqual([{ gpu: 'webgpu', cpu: 'wasm', js: 'js' }[kind]]);
    expect(model.device.kind).toBe(device);
    expect(model.device.name).toMatch({ gpu: /./, cpu: /^WebAssembly SIMD, 1 thread$/, js: /^JavaScript$/ }[kind]);
    const init = runner.readTensors(readFileSync('test/parity/house/init.safetensors'));
    await model.setWeights(init as Parameters<typeof model.setWeights>[0]);
    const data = runner.readTensors(readFileSync(join(folder, 'data.safetensors')));
    model.setData(data['x']?.data ?? [], data['target']?.data ?? []);
    const losses: number[] = [];
    await model.train({ onLosses: (_first, chunk) => losses.push(...chunk) });
    expect(losses).toHaveLength(500);
    expect(losses[0]).toBeCloseTo(405237.3, 0);
    expect((await model.predict([3])).data[0]).toBeCloseTo(654.1, 0);
    const again = runner.readTensors(runner.writeTensors(await model.weights()));
    expect(again['0.weight']?.shape).toEqual([16, 1]);
    model.destroy();
  });

  it('says so when it has neither WebGPU nor WebAssembly nor kernels, or no data', async () => {
    const runner = (await import(pathToFileURL(join(folder, 'runner.js')).href)) as Runner;
    const { kernels } = (await import(pathToFileURL(join(folder, 'kernels.js')).href)) as { kernels: unknown[] };
    const [plan, sections] = [planOf(folder), sectionsIn(folder)];
    await expect(runner.load(without('wasm', plan), { sections })).rejects.toThrow('WebAssembly is not there, and a plan is data');
    await expect(runner.load(plan)).rejects.toThrow('the plan leaves out its code for wasm');
    const model = await runner.load(plan, { kernels, sections });
    await expect(model.train()).rejects.toThrow('there is no training data on the device');
  });

  it.each([
    ['gpu', ['webgpu']],
    ['cpu', ['js', 'wasm']],
  ] as const)('is for one kind of device with --devices %s', async (devices, sections) => {
    const out = join(temporary(), devices);
    expect((await nnc('build', 'examples/house.nn', '-o', out, '--devices', devices)).code).toBe(0);
    const plan = planOf(out);
    expect([...(plan.elsewhere ?? [])].sort()).toEqual(sections);
    expect(existsSync(join(out, 'model.wgsl'))).toBe(devices === 'gpu');
    const runner = (await import(pathToFileURL(join(out, 'runner.js')).href)) as Runner;
    const other = devices === 'gpu' ? 'cpu' : 'gpu';
    const { found } = await findAdapter();
    const gpu = { requestAdapter: () => Promise.resolve(found?.adapter) };
    await expect(runner.load(plan, { device: other, gpu })).rejects.toThrow(
      devices === 'gpu' ? 'this plan was made for GPUs, and there is none' : 'this plan was made for the CPU',
    );
  });

  it('is opened with the weights that it was built with', async () => {
    const dir = temporary();
    const rows = Array.from({ length: 40 }, (_, i) => `${i / 10 - 2},${i < 20 ? 'iris' : 'rose'}\n`).join('');
    writeFileSync(join(dir, 'k.csv'), `a,kind\n${rows}`);
    writeFileSync(join(dir, 'k.nn'), 'data "k.csv"\nlayer Linear(1, 2)\nloss cross_entropy\noptim adam lr=0.1\ntrain epochs=30\n');
    const [out, weights] = [join(dir, 'page'), join(dir, 'w.safetensors')];
    expect((await nnc('train', join(dir, 'k.nn'), '--device', 'cpu', '--save', weights)).code).toBe(0);
    expect((await nnc('build', join(dir, 'k.nn'), '--weights', weights, '-o', out)).code).toBe(0);
    const files = createServer((request, response) => response.end(readFileSync(join(out, request.url ?? ''))));
    await new Promise<void>((resolve) => files.listen(0, '127.0.0.1', resolve));
    const at = `http://127.0.0.1:${(files.address() as AddressInfo).port}`;
    const runner = (await import(pathToFileURL(join(out, 'runner.js')).href)) as Runner;
    const saved = runner.readTensors(readFileSync(weights));
    try {
      const model = await runner.open(at, { device: 'cpu' });
      expect((await model.weights())['0.weight']?.data).toEqual(saved['0.weight']?.data);
      const { data, names } = await model.predict([2]);
      expect([names, Number(data[1]) > Number(data[0])]).toEqual([['iris', 'rose'], true]);
      model.destroy();
      const zero = { '0.weight': { shape: [2, 1], data: new Float32Array(2) }, '0.bias': { shape: [2], data: new Float32Array(2) } };
      const other = await runner.open(at, { device: 'cpu', weights: zero });
      expect([...(await other.predict([2])).data]).toEqual([0, 0]);
      other.destroy();
    } finally {
      files.close();
    }
  });

  it('refuses what is no plan', async () => {
    const runner = (await import(pathToFileURL(join(folder, 'runner.js')).href)) as Runner;
    await expect(runner.load({ hello: 1 })).rejects.toThrow('not a plan that this runner understands');
  });
});

describe('the page in Chromium', () => {
  let server: Server;
  let browser: Browser;
  let address = '';
  let served = folder;

  beforeAll(async () => {
    server = createServer((request, response) => {
      const path = join(served, request.url === '/' || request.url?.startsWith('/?') ? 'index.html' : (request.url ?? ''));
      if (!existsSync(path)) response.writeHead(404).end();
      else response.writeHead(200, { 'content-type': TYPES[extname(path)] ?? 'application/octet-stream' }).end(readFileSync(path));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    address = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
    browser = await chromium.launch({
      executablePath: await chromiumPackage.executablePath(),
      headless: true,
      args: [
        '--no-sandbox',
        '--enable-unsafe-webgpu',
        '--use-webgpu-adapter=swiftshader',
        '--enable-features=Vulkan',
        '--disable-background-networking',
        '--no-first-run',
      ],
    });
  });

  afterAll(async () => {
    await browser?.close();
    server?.close();
  });

  it.each([
    ['gpu', /browser/],
    ['cpu', /WebAssembly SIMD, 1 thread/],
  ])('trains and predicts on the %s without a word from the policy', async (device, where) => {
    const page = await browser.newPage();
    const complaints: string[] = [];
    page.on('pageerror', (e) => complaints.push(e.message));
    page.on('console', (m) => m.type() === 'error' && complaints.push(m.text()));
    page.on('request', (r) => !r.url().startsWith(address) && complaints.push(`asked for ${r.url()}`));
    await page.goto(`${address}?device=${device}`);
    const status = page.locator('#status');
    const until = async (pattern: RegExp): Promise<string> => {
      for (let i = 0; i < 600; i++) {
        const text = (await status.textContent()) ?? '';
        if (pattern.test(text)) return text;
        await page.waitForTimeout(50);
      }
      throw new Error(`the page says: ${await status.textContent()}`);
    };
    expect(await until(/^(ready|it did not work)/)).toMatch(where);
    await page.click('#train');
    const done = await until(/^(done|it did not work)/);
    expect(done).toMatch(/^done: 500 steps, loss \d/);
    expect(Number(/loss ([\d.]+)/.exec(done)?.[1])).toBeLessThan(5000);
    expect(await page.locator('#loss svg').textContent()).toContain('loss, logarithmic');
    expect(await page.locator('#figure svg').textContent()).toContain('sqft');
    await page.getByLabel('sqft').fill('3');
    await page.click('#predict');
    await page.locator('#answer').getByText(/\d/).waitFor();
    const price = Number(/price: ([\d.]+)/.exec((await page.textContent('#answer')) ?? '')?.[1]);
    expect(price).toBeGreaterThan(600);
    expect(price).toBeLessThan(700);
    await page.getByLabel('sqft').fill('many');
    await page.click('#predict');
    await page.locator('#answer').getByText("'sqft' needs a number").waitFor();
    await page.click('#reset');
    await until(/^back at the beginning/);
    await page.click('#step');
    expect(await until(/^step/)).toBe('step 1');
    expect(await page.locator('#step').evaluate((b) => b === document.activeElement && b.clientHeight >= 42)).toBe(true);
    // The policy itself: nothing inline, nothing evaluated, nothing from elsewhere.
    expect(
      await page.evaluate(() =>
        fetch('http://127.0.0.1:9/').then(
          () => 'reached',
          () => 'refused',
        ),
      ),
    ).toBe('refused');
    expect(complaints.filter((c) => !c.includes('127.0.0.1:9'))).toEqual([]);
    await page.close();
  });

  it('names classes with their shares, shows held-out values, and pauses', async () => {
    const out = join(temporary(), 'flowers');
    expect((await nnc('build', 'examples/flowers.nn', '-o', out, '--devices', 'cpu')).code).toBe(0);
    served = out;
    const page = await browser.newPage();
    const complaints: string[] = [];
    page.on('pageerror', (e) => complaints.push(e.message));
    page.on('console', (m) => m.type() === 'error' && complaints.push(m.text()));
    await page.goto(address);
    const status = (text: RegExp): Promise<void> => page.locator('#status').filter({ hasText: text }).waitFor();
    await status(/^ready/);
    await page.click('#train');
    await status(/^training|^done/);
    await status(/^done/);
    expect(await page.textContent('#numbers')).toMatch(/held-out loss.*held-out accuracy/);
    await page.getByLabel('petal length').fill('1.4');
    await page.click('#predict');
    await page
      .locator('#answer')
      .getByText(/buttercup|crocus|primrose/)
      .waitFor();
    expect(await page.locator('.shares li').count()).toBe(3);
    expect(await page.textContent('.shares')).toMatch(/\d+\.\d\s%/);
    expect(complaints).toEqual([]);
    await page.close();
    served = folder;
  });

  /** A page on the processor, with everything that it complains about. */
  async function openPage(url: string): Promise<{ readonly page: Page; readonly complaints: string[]; readonly rounds: () => number }> {
    const page = await browser.newPage();
    const complaints: string[] = [];
    const requests = new Map<string, number>();
    page.on('pageerror', (e) => complaints.push(e.message));
    page.on('console', (m) => m.type() === 'error' && complaints.push(m.text()));
    page.on('request', (r) => requests.set(r.url(), requests.size));
    await page.goto(url);
    await page
      .locator('#status')
      .filter({ hasText: /^ready|^it did not work/ })
      .waitFor();
    expect(await page.textContent('#status')).toMatch(/^ready/);
    return { page, complaints, rounds: () => requests.size };
  }

  it('asks for its parts in three rounds: the page, what stands in it, and what its script needs', async () => {
    const page = await browser.newPage();
    const rounds = [[''], ['page.css', 'page.js', 'page.json', 'plan.json', 'data.safetensors'], ['worker.js', 'plan.wasm.json']].map(
      (names) => {
        let answer = (): void => undefined;
        const all = new Promise<void>((resolve) => (answer = resolve));
        return { left: new Set(names), all, answer };
      },
    );
    const others: string[] = [];
    // Nothing of a round is answered before all of it was asked: if one part waited for another, the page would never be ready.
    await page.route('**/*', async (route) => {
      const name = route.request().url().replace(address, '').replace(/\?.*/, '');
      const round = rounds.find((r) => r.left.has(name));
      if (!round) others.push(name);
      round?.left.delete(name);
      if (round?.left.size === 0) round.answer();
      await round?.all;
      await route.continue();
    });
    await page.goto(`${address}?device=cpu`);
    await page
      .locator('#status')
      .filter({ hasText: /^ready/ })
      .waitFor();
    expect(others).toEqual([]);
    await page.close();
  });

  it('opens from a disk as a single file, and asks for nothing else', async () => {
    const file = join(temporary(), 'house.html');
    const made = await nnc('build', 'examples/house.nn', '--single-file', '-o', file);
    expect([made.code, made.stdout]).toEqual([0, expect.stringContaining('Open it in a browser')]);
    const { page, complaints, rounds } = await openPage(`${pathToFileURL(file).href}?device=cpu`);
    await page.click('#train');
    await page
      .locator('#status')
      .filter({ hasText: /^done: 500 steps/ })
      .waitFor();
    await page.getByLabel('sqft').fill('3');
    await page.click('#predict');
    await page
      .locator('#answer')
      .filter({ hasText: /price: 6\d\d/ })
      .waitFor();
    expect(complaints).toEqual([]);
    // The page, and its worker from its own text.
    expect(rounds()).toBeLessThanOrEqual(2);
    await page.close();
    const there = await nnc('build', 'examples/house.nn', '--single-file', '-o', folder);
    expect([there.code, there.stderr]).toEqual([1, expect.stringContaining('is a folder')]);
  });

  it('holds any text: ends of elements, comments, signs of replacements, names that look like code', async () => {
    const dir = temporary();
    const name = '<img src=x onerror=alert(1)>';
    writeFileSync(join(dir, 'odd.csv'), `a,"${name}"\n1,2\n2,4.1\n3,6\n4,8\n`);
    writeFileSync(
      join(dir, 'odd.nn'),
      `# </script><script>alert(1)</script> <!-- $& $1 -->\ndata "odd.csv" x="${name}" y=a\nlayer Linear(1, 1)\nloss mse\noptim sgd lr=0.01\ntrain epochs=3\n`,
    );
    const file = join(dir, 'odd.html');
    const made = await nnc('build', join(dir, 'odd.nn'), '--single-file', '-o', file);
    expect([made.code, made.stderr]).toEqual([0, '']);
    const { page, complaints } = await openPage(`${pathToFileURL(file).href}?device=cpu`);
    expect(await page.textContent('#program')).toContain('# </script><script>alert(1)</script> <!-- $& $1 -->');
    await page.click('#train');
    await page.locator('#status').filter({ hasText: /^done/ }).waitFor();
    await page.locator('#figure svg').filter({ hasText: name }).waitFor();
    expect(await page.locator('img').count()).toBe(0);
    expect(complaints).toEqual([]);
    await page.close();
  });

  it('saves weights and takes them back', async () => {
    const { page, complaints } = await openPage(`${address}?device=cpu`);
    await page.click('#step');
    await page.click('#step');
    await page.locator('#status').filter({ hasText: 'step 2' }).waitFor();
    const ask = async (): Promise<string | null> => {
      await page.locator('#answer').evaluate((e) => (e.textContent = ''));
      await page.click('#predict');
      await page.locator('#answer').filter({ hasText: 'price' }).waitFor();
      return page.textContent('#answer');
    };
    const before = await ask();
    const [saved] = await Promise.all([page.waitForEvent('download'), page.click('#save')]);
    const file = join(temporary(), 'w.safetensors');
    await saved.saveAs(file);
    await page.click('#reset');
    await page.locator('#status').filter({ hasText: 'back at the beginning' }).waitFor();
    expect(await ask()).not.toBe(before);
    for (let i = 0; i < 2; i++) {
      await page.getByLabel('a file of weights').setInputFiles(file);
      await page.locator('#status').filter({ hasText: 'the weights are those of w.safetensors' }).waitFor();
      expect(await ask()).toBe(before);
      await page.click('#reset');
      await page.locator('#status').filter({ hasText: 'back at the beginning' }).waitFor();
    }
    expect(complaints).toEqual([]);
    await page.close();
  });

  it('is a folder that a page of your own can open', async () => {
    const { page, complaints } = await openPage(`${address}?device=cpu`);
    // As text, so that the import is the browser's own.
    const price = await page.evaluate(`(async () => {
      const runner = await import(new URL('runner.js', location.href).href);
      const model = await runner.open('.', { device: 'cpu' });
      return (await model.predict([3])).data.length;
    })()`);
    expect(price).toBe(1);
    expect(complaints).toEqual([]);
    await page.close();
  });

  it('has a pad to draw on where inputs are images, and shows what the net says to some', async () => {
    const dir = temporary();
    // Bright bars, upright or lying.
    const text = `input image: [1, 8, 8]
let across = reshape(arange(8), [1, 1, 1, 8])
let down = reshape(arange(8), [1, 1, 8, 1])
data n=200 seed=1 split=0.8 {
  lies=floor(2 * uniform())
  at=reshape(floor(1 + 6 * uniform()), [200, 1, 1, 1])
  lying=reshape(lies, [200, 1, 1, 1])
  image=lying * float(down == at) + (1 - lying) * float(across == at)
  y=int(lies[:, 0])
}
layer flatten -> Linear(64, 16) -> relu -> Linear(16, 2)
loss cross_entropy
metric accuracy
optim adam lr=0.02
train epochs=20 batch=20 seed=1
`;
    writeFileSync(join(dir, 'bars.nn'), text);
    const out = join(dir, 'page');
    const made = await nnc('build', join(dir, 'bars.nn'), '-o', out, '--devices', 'cpu');
    expect([made.code, made.stderr]).toEqual([0, '']);
    served = out;
    const { page, complaints } = await openPage(address);
    expect(await page.locator('.images figure').count()).toBe(12);
    await page.click('#train');
    await page.locator('#status').filter({ hasText: /^done/ }).waitFor();
    await page.locator('.images figcaption').filter({ hasText: '✓' }).nth(10).waitFor();
    const pad = page.locator('#pad');
    await pad.scrollIntoViewIfNeeded();
    const box = (await pad.boundingBox()) ?? { x: 0, y: 0, width: 0, height: 0 };
    await page.mouse.move(box.x + box.width * 0.1, box.y + box.height * 0.45);
    await page.mouse.down();
    await page.mouse.move(box.x + box.width * 0.9, box.y + box.height * 0.45, { steps: 6 });
    await page.mouse.up();
    await page.locator('#answer').filter({ hasText: /^1$/ }).waitFor();
    // The same by keys: an upright bar.
    await page.click('#clear');
    await pad.focus();
    for (let i = 0; i < 4; i++) await page.keyboard.press('ArrowUp');
    await page.keyboard.down(' ');
    for (let i = 0; i < 7; i++) await page.keyboard.press('ArrowDown');
    await page.keyboard.up(' ');
    await page.locator('#answer').filter({ hasText: /^0$/ }).waitFor();
    expect(complaints).toEqual([]);
    await page.close();
    served = folder;
  });

  it('has a box for text where the model writes text', async () => {
    const dir = temporary();
    writeFileSync(join(dir, 'abc.txt'), 'abcd'.repeat(200));
    writeFileSync(
      join(dir, 'abc.nn'),
      'data "abc.txt" tokens=chars context=8\ninput tokens: int[8]\nlayer Embedding(4, 8) -> Linear(8, 4)\nloss cross_entropy\noptim adam lr=0.05\ntrain steps=200 batch=8 seed=1\n',
    );
    const out = join(dir, 'page');
    const made = await nnc('build', join(dir, 'abc.nn'), '-o', out, '--devices', 'cpu');
    expect([made.code, made.stderr]).toEqual([0, '']);
    served = out;
    const { page, complaints } = await openPage(address);
    await page.locator('#figure').filter({ hasText: 'What it writes by itself' }).waitFor();
    await page.click('#train');
    await page.locator('#status').filter({ hasText: /^done/ }).waitFor();
    await page.fill('#prompt', 'ab');
    await page.locator('#temperature').fill('0');
    await page.click('#write');
    await page
      .locator('#written')
      .filter({ hasText: /^abcdabcdabcd/ })
      .waitFor();
    await page.fill('#prompt', 'xyz');
    await page.locator('#write').filter({ hasText: 'Continue the text' }).click();
    await page.locator('#written').filter({ hasText: '"x" is none of the 4 characters that the model knows' }).waitFor();
    // A page of text is as tall as its parts, whatever the model writes.
    expect(await page.evaluate(() => document.documentElement.scrollHeight)).toBeLessThan(2500);
    expect(complaints).toEqual([]);
    await page.close();
    served = folder;
  });
});
