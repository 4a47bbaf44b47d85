import { createServer, type Server } from 'node:http';
import { existsSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { extname, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { pathToFileURL } from 'node:url';
import chromiumPackage from '@sparticuz/chromium';
import { chromium, type Browser } from 'playwright-core';
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

/** A plan without the code of a backend. */
const without = (name: BackendName, plan: Plan): Plan => ({ ...plan, backends: { ...plan.backends, [name]: undefined } });

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
      'plan.json',
      'runner.d.ts',
      'runner.js',
    ]);
    expect(readFileSync(join(folder, 'model.wgsl'), 'utf8')).toContain('@compute @workgroup_size(64)');
    const runner = readFileSync(join(folder, 'runner.js'), 'utf8');
    expect(runner).not.toMatch(/\bimport\b[^(.]/);
    expect(runner.length).toBeLessThan(50_500);
    expect(gzipSync(runner, { level: 9 }).length).toBeLessThan(19_400);
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
    const built = JSON.parse(readFileSync(join(folder, 'plan.json'), 'utf8')) as Plan;
    const plan = kind === 'js' ? without('wasm', built) : built;
    const model = await runner.load(plan, { device, gpu, kernels });
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
    const plan = JSON.parse(readFileSync(join(folder, 'plan.json'), 'utf8')) as Plan;
    await expect(runner.load(without('wasm', plan))).rejects.toThrow('this plan carries no kernels for the CPU');
    const model = await runner.load(plan, { kernels });
    await expect(model.train()).rejects.toThrow('there is no training data on the device');
  });

  it.each([
    ['gpu', ['webgpu']],
    ['cpu', ['js', 'wasm']],
  ] as const)('is for one kind of device with --devices %s', async (devices, sections) => {
    const out = join(temporary(), devices);
    expect((await nnc('build', 'examples/house.nn', '-o', out, '--devices', devices)).code).toBe(0);
    const plan = JSON.parse(readFileSync(join(out, 'plan.json'), 'utf8')) as Plan;
    expect(Object.keys(plan.backends).sort()).toEqual(sections);
    expect(existsSync(join(out, 'model.wgsl'))).toBe(devices === 'gpu');
    const runner = (await import(pathToFileURL(join(out, 'runner.js')).href)) as Runner;
    const other = devices === 'gpu' ? 'cpu' : 'gpu';
    const { found } = await findAdapter();
    const gpu = { requestAdapter: () => Promise.resolve(found?.adapter) };
    await expect(runner.load(plan, { device: other, gpu })).rejects.toThrow(
      devices === 'gpu' ? 'this plan was made for GPUs, and there is none' : 'this plan was made for the CPU',
    );
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
    expect(await page.locator('#curve svg').textContent()).toContain('loss, logarithmic');
    expect(await page.locator('#figure svg').textContent()).toContain('sqft');
    await page.getByLabel('sqft').fill('3');
    await page.click('#form button');
    await page.locator('#output').getByText(/\d/).waitFor();
    const price = Number(/price: ([\d.]+)/.exec((await page.textContent('#output')) ?? '')?.[1]);
    expect(price).toBeGreaterThan(600);
    expect(price).toBeLessThan(700);
    await page.getByLabel('sqft').fill('many');
    await page.click('#form button');
    await page.locator('#output').getByText("'sqft' needs a number").waitFor();
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
    await page.click('#form button');
    await page
      .locator('#output')
      .getByText(/buttercup|crocus|primrose/)
      .waitFor();
    expect(await page.locator('#shares li').count()).toBe(3);
    expect(await page.textContent('#shares')).toMatch(/\d+\.\d\s%/);
    expect(complaints).toEqual([]);
    await page.close();
    served = folder;
  });
});
