import { resolve } from 'node:path';
import { defineConfig } from 'vite';

const root = import.meta.dirname;
/** The built package: while it is being built, that is a folder beside the old one. */
const dist = process.env['NNC_DIST'] ?? resolve(root, '..', 'dist');

/** The site as plain files, for any static host; it uses the package as anyone would. */
export default defineConfig({
  root,
  base: './',
  logLevel: 'warn',
  build: {
    outDir: resolve(dist, 'site'),
    emptyOutDir: true,
    target: 'es2022',
    modulePreload: { polyfill: false },
    rollupOptions: {
      input: ['index.html', 'neuron/index.html', 'dance/index.html', 'train/index.html', 'gpt/index.html', 'playground/index.html'].map(
        (f) => resolve(root, f),
      ),
    },
  },
  resolve: {
    // A package cannot import itself by its name here.
    alias: ['data', 'pictures', 'runtime', ''].map((name) => ({
      find: new RegExp(`^nnc${name === '' ? '' : `/${name}`}$`),
      replacement: resolve(dist, 'exports', `${name || 'nnc'}.js`),
    })),
  },
  worker: { format: 'es' },
});
