import react from '@vitejs/plugin-react';
import { defaultClientConditions, defineConfig } from 'vite';

/** Cross-origin isolation gives the engine SharedArrayBuffer, and so more than one WASM thread. */
const isolation = {
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Embedder-Policy': 'require-corp',
  'Cross-Origin-Resource-Policy': 'same-origin',
};

const conditions = ['onnxruntime-web-use-extern-wasm', ...defaultClientConditions];

export default defineConfig({
  base: './',
  plugins: [react()],
  resolve: { conditions },
  // A test's harness page must not reload because a file was saved meanwhile.
  server: { headers: isolation, hmr: process.env.HARNESS === undefined },
  preview: { headers: isolation },
  optimizeDeps: {
    // Pre-bundling would move onnxruntime away from its .wasm.
    exclude: ['onnxruntime-web'],
    // Found only once the worker runs, these would reload the page in the middle of it.
    include: ['mp4box', 'mediabunny'],
  },
  worker: { format: 'es' },
  build: { target: 'es2023', chunkSizeWarningLimit: 1000, assetsInlineLimit: 0 },
});
