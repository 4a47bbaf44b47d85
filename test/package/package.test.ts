import { execFile } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';
import { extname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { gzipSync } from 'node:zlib';
import chromiumPackage from '@sparticuz/chromium';
import { build } from 'esbuild';
import { build as vite } from 'vite';
import { chromium, type Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type * as Plugin from '../../src/exports/vite.ts';
import { loadSwiftShader } from '../../src/node/swiftshader.ts';
import { temporary } from '../support/cli.ts';
import type { Told } from './project/told.ts';

/** The package as others get it: packed, installed into an empty project, type-checked, run in Node and in a real browser. */
const run = promisify(execFile);
const project = temporary();
const root = process.cwd();
/** The programs of the README's chapter: Node, a page, a worker's file and its page. */
const README = [...(readFileSync('README.md', 'utf8').split('## Use it as a library')[1] ?? '').matchAll(/```js\n([\s\S]*?)```/g)].map(
  (m) => m[1] ?? '',
);

/** Bytes of a folder. */
const weigh = (folder: string): number =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((e) => e.isFile())
    .reduce((n, e) => n + statSync(join(e.parentPath, e.name)).size, 0);

function checkTold(told: Told, moves: number): void {
  expect(told.wrong).toContain('error[NN201]');
  expect(told.wrong).toContain(' --> broken.nn:1:7');
  expect(told.inputs).toEqual(['x']);
  expect(told.refused).toContain("'y' has 1 examples, and 'x' has 2");
  expect(told.pausedAt).toBeGreaterThan(0);
  expect(told.frozen).toBe(true);
  expect([told.again, told.losses]).toEqual([0, 6000]);
  expect(told.predicted.shape).toEqual([2, 1]);
  expect(told.predicted.names).toEqual(['price']);
  expect(told.predicted.data[0]).toBeGreaterThan(500);
  expect(told.holdout['mae']).toBeLessThan(100);
  expect(told.disturbed).toBe(told.undisturbed);
  expect(told.moves).toBe(moves);
}

beforeAll(async () => {
  const { stdout } = await run('npm', ['pack', '--json', '--ignore-scripts', '--pack-destination', project], { cwd: root });
  const [{ filename }] = JSON.parse(stdout) as [{ filename: string }];
  writeFileSync(join(project, 'package.json'), '{ "name": "outside", "private": true, "type": "module" }');
  await run('npm', ['install', '--prefer-offline', '--no-audit', '--no-fund', join(project, filename)], { cwd: project });
  cpSync(join(root, 'test/package/project'), project, { recursive: true });
  cpSync(join(root, 'examples/house.csv'), join(project, 'house.csv'));
  writeFileSync(
    join(project, 'tsconfig.json'),
    JSON.stringify({
      compilerOptions: {
        strict: true,
        exactOptionalPropertyTypes: true,
        noUncheckedIndexedAccess: true,
        skipLibCheck: false,
        allowArbitraryExtensions: true,
        target: 'ES2023',
        module: 'NodeNext',
        lib: ['ES2023', 'DOM', 'DOM.Iterable', 'DOM.AsyncIterable'],
        types: ['node'],
        typeRoots: [join(root, 'node_modules/@types')],
      },
      include: ['*.ts'],
    }),
  );
});

describe('the packed package', () => {
  it('adds less than 12.5 MB to a project', () => {
    expect(weigh(join(project, 'node_modules')) / 2 ** 20).toBeLessThan(12.5);
    expect(existsSync(join(project, 'node_modules/webgpu'))).toBe(false);
    expect(existsSync(join(project, 'node_modules/nnc/docs/language.md'))).toBe(true);
  });

  it('has types that need none of WebGPU and none of a page', async () => {
    const folder = join(project, 'bare');
    mkdirSync(folder);
    const entries = ['', '/runtime', '/node', '/data', '/pictures', '/worker', '/vite'];
    writeFileSync(join(folder, 'bare.ts'), entries.map((e, i) => `import * as m${i} from 'nnc${e}';\nexport { m${i} };\n`).join(''));
    const options = {
      strict: true,
      skipLibCheck: false,
      target: 'ES2023',
      module: 'NodeNext',
      lib: ['ES2023'],
      types: ['node'],
      typeRoots: [join(root, 'node_modules/@types')],
      noEmit: true,
    };
    writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions: options, files: ['bare.ts'] }));
    const tsc = createRequire(import.meta.url).resolve('typescript/bin/tsc');
    const { stdout } = await run(process.execPath, [tsc, '-p', folder]).catch((e: unknown) => e as { stdout: string });
    expect(stdout.split('\n').filter((line) => !line.includes('node_modules/vite'))).toEqual(['']);
  });

  it('compiles programs that a bundler comes across, and writes their types', async () => {
    const { nnc } = (await import(pathToFileURL(join(project, 'node_modules/nnc/dist/exports/vite.js')).href)) as typeof Plugin;
    const bundle = (entry: string, plugin = nnc()): ReturnType<typeof vite> =>
      vite({
        root: project,
        configFile: false,
        logLevel: 'silent',
        plugins: [plugin],
        build: { write: false, lib: { entry: join(project, entry), formats: ['es'] } },
      });
    writeFileSync(
      join(project, 'house.nn'),
      'import "parts.nn"\ndata "house.csv" x=sqft y=price\nlayer Linear(1, 16) -> Hidden(16) -> Linear(16, 1)\nloss mse\noptim adam lr=0.01',
    );
    writeFileSync(join(project, 'parts.nn'), 'block Hidden(width) {\n  x -> Linear(width, width) -> relu\n}');
    const built = await bundle('typed.ts', nnc({ types: true, devices: 'cpu' }));
    const [chunk] = (Array.isArray(built) ? built : [built]).flatMap((b) => ('output' in b ? b.output : []));
    const code = chunk && 'code' in chunk ? chunk.code : '';
    writeFileSync(join(project, 'typed.js'), code);
    const { typed } = (await import(pathToFileURL(join(project, 'typed.js')).href)) as { typed: () => Promise<Float32Array> };
    expect((await typed()).length).toBe(1);
    expect(code).not.toContain('@compute');
    const declared = readFileSync(join(project, 'house.d.nn.ts'), 'utf8');
    expect(declared).toContain('readonly "x": ArrayLike<number>');
    expect(declared).toContain('readonly "sqft": ArrayLike<number | string | null>');
    expect(declared).toContain('export declare const model: ModelInfo;');
    writeFileSync(join(project, 'broken.nn'), 'layer Linaer(1, 1)');
    writeFileSync(join(project, 'broken.js'), "import plan from './broken.nn'; console.log(plan);");
    await expect(bundle('broken.js')).rejects.toThrow("did you mean 'Linear'?");
  });

  it('is typed for a strict program, its declarations included', async () => {
    const tsc = createRequire(import.meta.url).resolve('typescript/bin/tsc');
    const { stdout } = await run(process.execPath, [tsc, '-p', project], { cwd: project }).catch((e: unknown) => e as { stdout: string });
    expect(stdout).toBe('');
  });

  it('compiles, trains and predicts in Node', async () => {
    const { stdout } = await run(process.execPath, ['node.js', 'house.csv'], { cwd: project });
    checkTold(JSON.parse(stdout) as Told, 0);
  });

  it("runs the README's example for Node", async () => {
    writeFileSync(join(project, 'readme.mjs'), README[0] ?? '');
    const { stdout, stderr } = await run(process.execPath, ['readme.mjs'], { cwd: project });
    expect(stderr).toBe('');
    expect(stdout).toMatch(/step 500: loss \d/);
    const [price] = /Float32Array\(2\) \[ ([\d.]+)/.exec(stdout)?.slice(1).map(Number) ?? [];
    expect(price).toBeGreaterThan(400);
    expect(price).toBeLessThan(700);
  });

  it('brings a command that trains on the CPU where no driver is installed', async () => {
    const bin = join(project, 'node_modules/.bin/nnc');
    const { stdout } = await run(bin, ['train', 'node_modules/nnc/examples/house.nn'], { cwd: project });
    expect(stdout).toContain('done: 500 steps');
  });

  it.each([
    // Limits that were measured; what they should be is in docs/performance.md.
    ['webgpu', "export { load } from 'nnc/runtime/webgpu';", 20_000],
    ['runtime', "export { load } from 'nnc/runtime';", 22_000],
    ['compiler and runtime', "export { compile } from 'nnc'; export { load } from 'nnc/runtime';", 288_000],
  ])('bundled for a browser, %s has nothing of Node in it and is small', async (_what, contents, most) => {
    const { outputFiles } = await build({
      stdin: { contents, resolveDir: project },
      bundle: true,
      minify: true,
      write: false,
      format: 'esm',
      target: 'es2022',
      platform: 'browser',
      logLevel: 'silent',
    });
    expect(gzipSync(outputFiles[0]?.contents ?? '', { level: 9 }).length).toBeLessThan(most);
  });
});

describe('in Chromium', () => {
  let server: Server;
  let browser: Browser;
  let address = '';
  const TYPES: Readonly<Record<string, string>> = { '.html': 'text/html', '.js': 'text/javascript', '.csv': 'text/csv' };

  beforeAll(async () => {
    const catcher = readFileSync(join(project, 'catch-devices.js'), 'utf8');
    for (const entry of ['page', 'worker'])
      await build({
        entryPoints: [join(project, `${entry}.ts`)],
        outfile: join(project, 'web', `${entry}.js`),
        bundle: true,
        format: 'esm',
        target: 'es2022',
        platform: 'browser',
        banner: { js: catcher },
        logLevel: 'silent',
      });
    cpSync(join(project, 'house.csv'), join(project, 'web/house.csv'));
    writeFileSync(join(project, 'web/index.html'), '<!doctype html><script type="module" src="page.js"></script>');
    server = createServer((request, response) => {
      const path = join(project, 'web', request.url === '/' ? 'index.html' : (request.url ?? '/'));
      if (!existsSync(path)) response.writeHead(404).end();
      else response.writeHead(200, { 'content-type': TYPES[extname(path)] ?? 'application/octet-stream' }).end(readFileSync(path));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    address = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
    await loadSwiftShader();
    browser = await chromium.launch({
      executablePath: await chromiumPackage.executablePath(),
      headless: true,
      args: ['--no-sandbox', '--enable-unsafe-webgpu', '--use-webgpu-adapter=swiftshader', '--enable-features=Vulkan', '--no-first-run'],
    });
  });

  afterAll(async () => {
    await browser?.close();
    server?.close();
  });

  it.each([
    ['in a page', 1, 'different'],
    ['with a worker', 3, /^\d+\.\d\d$/],
  ])("runs the README's example %s", async (_what, block, want) => {
    const bundled = async (contents: string, name: string): Promise<void> => {
      const stdin = { contents, resolveDir: project };
      const format = { bundle: true, format: 'esm', target: 'es2022', platform: 'browser', logLevel: 'silent' } as const;
      await build({ ...format, stdin, outfile: join(project, 'web/readme', name) });
    };
    await bundled(README[2] ?? '', 'worker.js');
    await bundled(README[block] ?? '', 'readme.js');
    // In a folder of its own, for its worker has the name of the other one.
    writeFileSync(join(project, 'web/readme/readme.html'), '<!doctype html><body><script type="module" src="readme.js"></script></body>');
    const page = await browser.newPage();
    const complaints: string[] = [];
    page.on('pageerror', (e) => complaints.push(e.message));
    await page.goto(`${address}readme/readme.html`);
    for (let i = 0; i < 200 && (await page.textContent('body')) === '' && complaints.length === 0; i++) await page.waitForTimeout(50);
    expect(complaints).toEqual([]);
    expect((await page.textContent('body'))?.trim()).toMatch(want);
    await page.close();
  });

  it.each([
    ['page', 'gpu', 1],
    ['page', 'cpu', 0],
    ['worker', 'gpu', 1],
    ['worker', 'cpu', 0],
  ] as const)('does the same in a %s on the %s', async (where, device, moves) => {
    const page = await browser.newPage();
    const complaints: string[] = [];
    page.on('pageerror', (e) => complaints.push(e.message));
    await page.goto(address, { waitUntil: 'load' });
    expect(complaints).toEqual([]);
    const call = `tell(${JSON.stringify(where)}, ${JSON.stringify(device)})`;
    const told = await page.evaluate<Told>(call);
    checkTold(told, moves);
    expect(complaints).toEqual([]);
    await page.close();
  });
});
