// Builds dist/: the compiler as modules, the command line, the runner and the page as single files.
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmodSync, copyFileSync, existsSync, mkdirSync, readFileSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build } from 'esbuild';
import { build as buildSite } from 'vite';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const out = join(root, `.dist-${process.pid}`);
const tsc = createRequire(import.meta.url).resolve('typescript/bin/tsc');

// The first npx in a checkout, and each npm ci after the first, ask for a build once more.
const configuration = ['package-lock.json', 'tsconfig.json', 'tsconfig.build.json', 'scripts/build.mjs'];
const sources = digest(root, [
  ...configuration,
  ...['src', 'site'].flatMap((room) => filesOf(join(root, room)).map((file) => join(room, file))),
]);
const builtFrom = join(root, 'dist', 'built-from');
if (process.argv.includes('--if-changed') && existsSync(builtFrom) && readFileSync(builtFrom, 'utf8') === sources) process.exit(0);

// Built beside and swapped in, so that a running nnc never sees half a build.
try {
  execFileSync(process.execPath, [tsc, '-p', join(root, 'tsconfig.build.json'), '--outDir', out], { stdio: 'inherit' });
  // Looking for some hundred modules took the command line most of a second, whatever it was asked.
  rmSync(join(out, 'cli'), { recursive: true });
  const { metafile } = await build({
    absWorkingDir: root,
    entryPoints: [join(root, 'src', 'cli', 'main.ts')],
    outdir: join(out, 'cli'),
    metafile: true,
    bundle: true,
    // What is imported late is a file of its own, and is only read if it is needed.
    splitting: true,
    chunkNames: '[name]-[hash]',
    platform: 'node',
    format: 'esm',
    target: 'node20',
    // They find files beside their own, or are needed once in a lifetime.
    external: ['webgpu', '@sparticuz/chromium', 'tar-fs'],
    banner: { js: "import { createRequire as makeRequire } from 'node:module';\nconst require = makeRequire(import.meta.url);" },
    logLevel: 'error',
  });
  writeFileSync(join(out, 'cli', 'LICENSES.txt'), licences(Object.keys(metafile.inputs)));
  const standalone = join(out, 'standalone');
  // The worker is a plain script: from a disk, browsers start no other.
  const bundle = (entry, format = 'esm') =>
    build({
      absWorkingDir: root,
      entryPoints: [join(root, 'src', 'standalone', `${entry}.ts`)],
      outfile: join(standalone, `${entry}.js`),
      bundle: true,
      minify: true,
      format,
      target: 'es2022',
      allowOverwrite: true,
      logLevel: 'warning',
    });
  await Promise.all([bundle('runner'), bundle('page'), bundle('worker', 'iife')]);
  copyFileSync(join(root, 'src', 'standalone', 'index.html'), join(standalone, 'index.html'));
  // Pages with a strict policy have the style of pictures in their sheet.
  const { styleOf } = await import(pathToFileURL(join(out, 'pictures', 'theme.js')).href);
  const [shared, own] = ['page', 'standalone'].map((room) => readFileSync(join(root, 'src', room, 'page.css'), 'utf8'));
  writeFileSync(join(out, 'page', 'page.css'), [shared, styleOf('auto'), ''].join('\n'));
  writeFileSync(join(standalone, 'page.css'), [shared, own, styleOf('auto'), ''].join('\n'));
  const types = readFileSync(join(out, 'runtime', 'api.d.ts'), 'utf8');
  const exported = ['open', 'load', 'readTensors', 'writeTensors'].map((name) => `export declare const ${name}: Runner['${name}'];`);
  writeFileSync(join(standalone, 'runner.d.ts'), `${types}${exported.join('\n')}\n`);
  // The site uses the modules that were just made.
  process.env.NNC_DIST = out;
  process.env.NNC_BUILD = sources.slice(0, 12);
  await buildSite({ configFile: join(root, 'site', 'vite.config.ts') });
  // The playground gives away pages that are made of these.
  mkdirSync(join(out, 'site', 'parts'));
  for (const part of ['index.html', 'page.css', 'page.js', 'worker.js'])
    copyFileSync(join(standalone, part), join(out, 'site', 'parts', `${part}.txt`));
  // Plans are cached by what made them: see src/cli/plan-cache.ts.
  const modules = filesOf(out).filter((file) => file.endsWith('.js') && !file.startsWith('site'));
  writeFileSync(join(out, 'build-id'), digest(out, modules));
  writeFileSync(join(out, 'built-from'), sources);
  chmodSync(join(out, 'cli', 'main.js'), 0o755);
  rmSync(join(root, 'dist'), { recursive: true, force: true });
  renameSync(out, join(root, 'dist'));
} finally {
  rmSync(out, { recursive: true, force: true });
}

/** Every file below a folder, by its path from there. */
function filesOf(folder) {
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map((entry) => relative(folder, join(entry.parentPath, entry.name)));
}

/** One name for the names and contents of files below a folder. */
function digest(folder, files) {
  const hash = createHash('sha256');
  for (const file of files.sort()) hash.update(`${file}\n`).update(readFileSync(join(folder, file)));
  return hash.digest('hex');
}

/** The licences of the packages that files are from, for whoever gets them with ours. */
function licences(files) {
  const packages = new Set(files.flatMap((file) => /^.*node_modules\/(?:@[^/]+\/)?[^/]+/.exec(file) ?? []));
  const texts = [...packages].sort().map((path) => {
    const folder = join(root, path);
    const { name, version, license } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
    const file = readdirSync(folder).find((f) => /^licen[cs]e/i.test(f));
    return `${name} ${version} (${license})\n\n${file ? readFileSync(join(folder, file), 'utf8').trim() : ''}`;
  });
  return `Packages whose code is in main.js.\n\n${texts.join(`\n\n${'-'.repeat(80)}\n\n`)}\n`;
}
