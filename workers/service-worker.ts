/**
 * The service worker: keeps the page, the engine and nano on this device, so that both work without a network, and gives cross-origin
 * isolation where the host can't send its headers.
 *
 * Installing keeps the shell alone (page, scripts, styles: under 2 MB), so that isolation is there a moment after the first visit; the
 * engine's WebAssembly and nano follow when the page asks (`fill`). Imported models are none of its business: they lie in the origin
 * private file system. A new version waits until the page says so; what did not change is taken over from the old cache, and the old
 * one is kept for tabs that still run it. Runs as a service worker, in built pages only; {@link BUILD} is filled in by
 * `tools/service-worker-plugin.ts`. It answers only for files of the build: everything else goes to the network untouched.
 */

declare const self: ServiceWorkerGlobalScope;

// A module to the type checker, so that its globals are its own; the built file is a plain script.
export {};

/** A file of the build; its address is relative to the worker's scope. */
interface BuildFile {
  readonly path: string;
  readonly revision: string;
  /** Needed for the first screen and what follows from it; the rest is what a job needs. */
  readonly shell: boolean;
}

interface Build {
  readonly version: string;
  readonly files: readonly BuildFile[];
  readonly policy: string;
}

declare const __BUILD__: Build;
const BUILD: Build = __BUILD__;

const PREFIX = 'venhancer-';
const CACHE = `${PREFIX}${BUILD.version}`;
const PAGE = 'index.html';
/** Caches of earlier versions that are kept for tabs which still run them. */
const KEPT_BEFORE = 1;

const files = new Map(BUILD.files.map((file) => [file.path, file]));

self.addEventListener('install', (event) => {
  event.waitUntil(keep(BUILD.files.filter(({ shell }) => shell)));
  // The very first one has nobody to wait for.
  if (!self.registration.active) void self.skipWaiting();
});

self.addEventListener('activate', (event) => {
  event.waitUntil(activate());
});

self.addEventListener('message', (event) => {
  const { data, source } = event as ExtendableMessageEvent;
  if (data === 'skip-waiting') void self.skipWaiting();
  if (data === 'fill') {
    const tell = (message: 'kept' | 'not-kept') => source?.postMessage(message);
    event.waitUntil(
      keep(BUILD.files.filter(runsHere)).then(
        () => tell('kept'),
        () => tell('not-kept'),
      ),
    );
  }
});

self.addEventListener('notificationclick', (event) => {
  event.notification.close();
  event.waitUntil(
    self.clients.matchAll({ type: 'window' }).then(([client]) => client?.focus() ?? self.clients.openWindow('./')),
  );
});

self.addEventListener('fetch', (event) => {
  const { request } = event;
  const path = pathOf(request);
  if (path === null) return;
  const file = files.get(path);
  if (file) event.respondWith(answer(file, request));
  else if (path.startsWith('assets/')) event.respondWith(answerOfBefore(path, request));
});

async function activate(): Promise<void> {
  const names = await ownCaches();
  for (const name of names.slice(0, -1 - KEPT_BEFORE)) await caches.delete(name);
  await self.clients.claim();
}

/** Our caches, oldest first: the order that they were made in. */
async function ownCaches(): Promise<string[]> {
  return (await caches.keys()).filter((name) => name.startsWith(PREFIX));
}

/** Puts files into this version's cache, from an earlier one where they are the same. */
async function keep(wanted: readonly BuildFile[]): Promise<void> {
  const cache = await caches.open(CACHE);
  for (const file of wanted) {
    const key = keyOf(file);
    if (await cache.match(key)) continue;
    const known = await caches.match(key);
    await cache.put(key, known ?? (await fetched(file)));
  }
}

async function fetched({ path }: BuildFile): Promise<Response> {
  // Past the browser's own cache, which may hold an older one, but for names that carry their content's hash.
  const response = await fetch(addressOf(path), { cache: path.startsWith('assets/') ? 'default' : 'no-cache' });
  if (!response.ok) throw new Error(`${response.status} for ${path}`);
  return response;
}

async function answer(file: BuildFile, request: Request): Promise<Response> {
  const key = keyOf(file);
  const cache = await caches.open(CACHE);
  const known = await cache.match(key);
  if (known) return isolated(known);
  const response = await fetch(request);
  if (response.ok && response.status === 200) await cache.put(key, response.clone()).catch(() => undefined);
  return isolated(response);
}

/** A script that only an earlier version has: a tab that was opened then asks for it. */
async function answerOfBefore(path: string, request: Request): Promise<Response> {
  for (const name of await ownCaches()) {
    const known = await (await caches.open(name)).match(addressOf(path), { ignoreSearch: true });
    if (known) return isolated(known);
  }
  return isolated(await fetch(request));
}

/** The same response with the headers that this page wants and some hosts can't send. */
function isolated(response: Response): Response {
  if (response.type === 'opaque' || response.status === 0) return response;
  const headers = new Headers(response.headers);
  headers.set('Cross-Origin-Opener-Policy', 'same-origin');
  headers.set('Cross-Origin-Embedder-Policy', 'require-corp');
  headers.set('Cross-Origin-Resource-Policy', 'same-origin');
  if (!headers.has('Content-Security-Policy')) headers.set('Content-Security-Policy', BUILD.policy);
  return new Response(response.body, { status: response.status, statusText: response.statusText, headers });
}

/** A request's path in the build, or null for what is not ours to answer. */
function pathOf(request: Request): string | null {
  if (request.method !== 'GET' || request.headers.has('range')) return null;
  const url = new URL(request.url);
  const scope = self.registration.scope;
  if (!url.href.startsWith(scope)) return null;
  const path = decodeURIComponent(`${url.origin}${url.pathname}`.slice(scope.length));
  return path === '' ? PAGE : path;
}

const addressOf = (path: string): string => new URL(path, self.registration.scope).href;
const keyOf = ({ path, revision }: BuildFile): string => `${addressOf(path)}?revision=${revision}`;

/** Of the engine's three builds of onnxruntime only those that this browser can take. */
function runsHere({ path }: BuildFile): boolean {
  const suspends = 'Suspending' in WebAssembly;
  const gpu = 'gpu' in navigator;
  if (path.includes('.jspi')) return gpu && suspends;
  if (path.includes('.asyncify')) return gpu && !suspends;
  return true;
}
