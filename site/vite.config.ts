import { resolve } from 'node:path';
import { defineConfig } from 'vite';

const root = import.meta.dirname;

/** The site as plain files, for any static host; it uses the package as anyone would. */
export default defineConfig({
  root,
  base: './',
  logLevel: 'warn',
  build: {
    outDir: resolve(root, '..', 'dist', 'site'),
    emptyOutDir: true,
    target: 'es2022',
    modulePreload: { polyfill: false },
    rollupOptions: { input: ['index.html', 'train/index.html', 'playground/index.html'].map((f) => resolve(root, f)) },
  },
  worker: { format: 'es' },
});
