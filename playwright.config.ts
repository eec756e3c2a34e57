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

/** Ports and the build's folder by environment, so that two checkouts' or people's runs don't meet. */
const pagePort = process.env.PAGE_PORT ?? '4173';
const harnessPort = process.env.HARNESS_PORT ?? '4174';
export const BUILD_FOLDER = process.env.BUILD_FOLDER ?? 'dist';
export const PAGE_ORIGIN = `http://localhost:${pagePort}`;
export const HARNESS_ORIGIN = `http://localhost:${harnessPort}`;

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
    baseURL: PAGE_ORIGIN,
    browserName: 'chromium',
    headless: true,
    acceptDownloads: true,
    // Each test's fresh profile would fetch everything twice; offline.spec.ts allows it.
    serviceWorkers: 'block',
    launchOptions: {
      ...(executablePath ? { executablePath } : {}),
      args: CHROMIUM_ARGUMENTS,
    },
  },
  webServer: [
    {
      command: `npx vite build --outDir ${BUILD_FOLDER} && npx vite preview --outDir ${BUILD_FOLDER} --host localhost --port ${pagePort} --strictPort`,
      url: PAGE_ORIGIN,
      reuseExistingServer: !process.env.CI,
      timeout: 180_000,
    },
    {
      // Harness pages of the runtime rooms import the engine's sources; the built page has none of them.
      command: `npx vite --host localhost --port ${harnessPort} --strictPort`,
      env: { HARNESS: '1' },
      url: HARNESS_ORIGIN,
      reuseExistingServer: !process.env.CI,
      timeout: 60_000,
    },
  ],
});
