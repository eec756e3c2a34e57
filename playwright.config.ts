import { defineConfig } from '@playwright/test';

/** SwiftShader as a WebGPU adapter; the whole set is needed for VideoFrame import too. */
const WEBGPU_FLAGS = [
  '--enable-unsafe-webgpu',
  '--enable-features=Vulkan',
  '--use-vulkan=swiftshader',
  '--use-webgpu-adapter=swiftshader',
  '--use-angle=swiftshader',
  '--ignore-gpu-blocklist',
];

export const CHROMIUM_ARGUMENTS = [
  '--headless=new',
  '--no-sandbox',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  ...WEBGPU_FLAGS,
];

const executablePath = process.env.CHROMIUM_PATH;

export default defineConfig({
  testDir: 'e2e',
  testMatch: '**/*.spec.ts',
  // Needs ffmpeg: `npm run verify`.
  ...(process.env.VERIFY_WITH_FFMPEG === undefined ? { testIgnore: 'verify/**' } : {}),
  // One job at a time: two would share two cores and time out together.
  workers: 1,
  fullyParallel: false,
  // Tests that catch a job in the middle depend on the machine's pace; a second failure is a real one. The report names the flaky.
  retries: process.env.CI ? 1 : 0,
  timeout: 240_000,
  expect: { timeout: 15_000 },
  reporter: [['list']],
  use: {
    baseURL: 'http://localhost:4173',
    browserName: 'chromium',
    headless: true,
    acceptDownloads: true,
    launchOptions: {
      ...(executablePath ? { executablePath } : {}),
      args: CHROMIUM_ARGUMENTS,
    },
  },
  webServer: [
    {
      command: 'npx vite build && npx vite preview --host localhost --port 4173 --strictPort',
      url: 'http://localhost:4173',
      reuseExistingServer: !process.env.CI,
      timeout: 180_000,
    },
    {
      // Harness pages of the runtime rooms import the engine's sources; the built page has none of them.
      command: 'npx vite --host localhost --port 4174 --strictPort',
      env: { HARNESS: '1' },
      url: 'http://localhost:4174',
      reuseExistingServer: !process.env.CI,
      timeout: 60_000,
    },
  ],
});
