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
  server: { headers: isolation },
  preview: { headers: isolation },
  // Pre-bundling would move onnxruntime away from its .wasm and reload the page in the middle of a run.
  optimizeDeps: { exclude: ['onnxruntime-web'] },
  worker: { format: 'es' },
  build: { target: 'es2023', chunkSizeWarningLimit: 1000, assetsInlineLimit: 0 },
});
