// How the page is built: into dist/web, which http-server gives out. No source of another origin, no inline script: the
// page lives under a strict Content-Security-Policy.

import react from '@vitejs/plugin-react';
import { defineConfig } from 'vite';

export default defineConfig({
  root: import.meta.dirname,
  plugins: [react()],
  // http-server writes a new nonce in its place whenever it gives out index.html.
  html: { cspNonce: 'NONCE' },
  build: {
    outDir: '../dist/web',
    emptyOutDir: true,
    target: 'es2023',
    chunkSizeWarningLimit: 1000,
    // Never as a data: URL, which the policy forbids.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
  },
  server: { proxy: { '/api': 'http://127.0.0.1:8080' } },
});
