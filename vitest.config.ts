import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['{src,workers,tools}/**/*.test.{ts,tsx}'],
    environment: 'node',
    // Two cores: files that run models would only slow one another down.
    maxWorkers: 2,
    testTimeout: 120_000,
    hookTimeout: 120_000,
  },
});
