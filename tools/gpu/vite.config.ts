/** The page as it is built, with the harness pages beside it: what `bench-gpu.ts` drives. `npx vite build --config tools/gpu/vite.config.ts --outDir DIR`. */

import { defineConfig, mergeConfig } from 'vite';
import page from '../../vite.config.ts';

const harness = { gpu: 'e2e/gpu/harness.html', engine: 'e2e/engine/harness.html' };

export default mergeConfig(page, defineConfig({ build: { rolldownOptions: { input: harness } } }));
