import { resolve } from 'node:path';
import { defineConfig, type Plugin } from 'vite';

const root = import.meta.dirname;
/** The built package: while it is being built, that is a folder beside the old one. */
const dist = process.env['NNC_DIST'] ?? resolve(root, '..', 'dist');

/** What every page has in its head; the policy allows nothing from elsewhere. */
const HEAD = `<meta charset="utf-8" />
    <meta name="viewport" content="width=device-width, initial-scale=1" />
    <meta http-equiv="Content-Security-Policy" content="default-src 'self'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:" />
    <link rel="icon" href="data:," />`;
const head: Plugin = { name: 'head', transformIndexHtml: { order: 'pre', handler: (html) => html.replace('<!-- head -->', HEAD) } };

/** The site as plain files, for any static host; it uses the package as anyone would. */
export default defineConfig({
  root,
  base: './',
  logLevel: 'warn',
  plugins: [head],
  // Names what the browser keeps of this build.
  define: { __BUILD__: JSON.stringify(process.env['NNC_BUILD'] ?? 'own') },
  build: {
    outDir: resolve(dist, 'site'),
    emptyOutDir: true,
    // The policy of the pages lets nothing be fetched from within themselves.
    assetsInlineLimit: 0,
    target: 'es2022',
    modulePreload: { polyfill: false },
    rollupOptions: {
      input: [
        'index.html',
        'learn/index.html',
        'neuron/index.html',
        'dance/index.html',
        'train/index.html',
        'gpt/index.html',
        'playground/index.html',
      ].map((f) => resolve(root, f)),
    },
  },
  resolve: {
    // A package cannot import itself by its name here.
    alias: [
      { find: 'nnc/page.css', replacement: resolve(dist, 'page', 'page.css') },
      ...['data', 'page', 'pictures', 'runtime', ''].map((name) => ({
        find: new RegExp(`^nnc${name === '' ? '' : `/${name}`}$`),
        replacement: resolve(dist, 'exports', `${name || 'nnc'}.js`),
      })),
    ],
  },
  worker: { format: 'es' },
});
