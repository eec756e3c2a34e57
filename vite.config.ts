import react from '@vitejs/plugin-react';
import { defaultClientConditions, defineConfig, type Plugin } from 'vite';
import { serviceWorker } from './tools/service-worker-plugin.ts';

/** Cross-origin isolation gives the engine SharedArrayBuffer, and so more than one WASM thread. */
const isolation = {
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Embedder-Policy': 'require-corp',
  'Cross-Origin-Resource-Policy': 'same-origin',
};

/**
 * Nothing leaves, nothing comes in: own origin only, no eval beyond WebAssembly; `blob:` for pictures and films that the page made
 * itself. The page carries it wherever it is hosted. Workers obey only the header, which a host should send too.
 */
const CONTENT_SECURITY_POLICY = [
  "default-src 'none'",
  "script-src 'self' 'wasm-unsafe-eval'",
  "worker-src 'self'",
  "connect-src 'self' blob:",
  "img-src 'self' blob: data:",
  "media-src 'self' blob:",
  "style-src 'self'",
  "font-src 'self'",
  "manifest-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
].join('; ');

/** Only in builds: the development server's pages have scripts of Vite's own inside. */
const contentSecurityPolicy: Plugin = {
  name: 'content-security-policy',
  apply: 'build',
  transformIndexHtml: () => [
    {
      tag: 'meta',
      attrs: { 'http-equiv': 'Content-Security-Policy', content: CONTENT_SECURITY_POLICY },
      injectTo: 'head-prepend',
    },
  ],
};

const conditions = ['onnxruntime-web-use-extern-wasm', ...defaultClientConditions];

export default defineConfig({
  base: './',
  plugins: [react(), contentSecurityPolicy, serviceWorker(CONTENT_SECURITY_POLICY)],
  resolve: { conditions },
  // A test's harness page must not reload because a file was saved meanwhile.
  server: { headers: isolation, hmr: process.env.HARNESS === undefined },
  preview: {
    headers: {
      ...isolation,
      'Content-Security-Policy': `${CONTENT_SECURITY_POLICY}; frame-ancestors 'none'`,
    },
  },
  optimizeDeps: {
    // Pre-bundling would move onnxruntime away from its .wasm.
    exclude: ['onnxruntime-web'],
    // Found only once the worker runs, these would reload the page in the middle of it.
    include: ['mp4box', 'mediabunny'],
  },
  worker: { format: 'es' },
  build: { target: 'es2023', chunkSizeWarningLimit: 1000, assetsInlineLimit: 0 },
});
