/**
 * Serves and builds the page. The build is one folder of plain files that works from any address, also opened as a file: the
 * worker's code is inside the script, addresses are relative, and the script is a classic one, as browsers load no modules
 * from files.
 */
import { fileURLToPath } from 'node:url';
import { defineConfig, type InlineConfig, type Plugin } from 'vite';

const path = (relative: string): string => fileURLToPath(new URL(relative, import.meta.url));

/** With these, threads can share memory. A server that cannot send them gives one thread. */
const ISOLATION = {
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Embedder-Policy': 'require-corp',
};

/** Loads the script when the page is there, as a module script would be. */
const classicScripts = (): Plugin => ({
  name: 'classic-scripts',
  apply: 'build',
  transformIndexHtml: {
    order: 'post',
    handler: (html) =>
      html
        .replace(/<script type="module" crossorigin/g, '<script defer')
        .replace(/<link rel="stylesheet" crossorigin/g, '<link rel="stylesheet"'),
  },
});

/** The page of the folder `root`. Tests build pages of their own in this way. */
export const pageConfig = (root: string): InlineConfig => ({
  root,
  base: './',
  configFile: false,
  plugins: [classicScripts()],
  resolve: { alias: { quantgrad: path('../src/index.ts') } },
  server: { headers: ISOLATION, fs: { allow: [path('..')] } },
  preview: { headers: ISOLATION },
  worker: { format: 'iife', rollupOptions: { output: { inlineDynamicImports: true } } },
  build: {
    target: 'es2022',
    modulePreload: false,
    cssCodeSplit: false,
    chunkSizeWarningLimit: 4096,
    rollupOptions: { output: { format: 'iife' } },
  },
});

export default defineConfig(pageConfig(path('.')));
