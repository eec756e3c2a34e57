/** A host like many: it serves a built folder's files and nothing else, no header of ours among them. */

import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { extname, join, normalize } from 'node:path';

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html',
  '.js': 'text/javascript',
  '.mjs': 'text/javascript',
  '.css': 'text/css',
  '.json': 'application/json',
  '.webmanifest': 'application/manifest+json',
  '.wasm': 'application/wasm',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.mp4': 'video/mp4',
};

export interface PlainHost {
  readonly origin: string;
  /** Paths asked for so far. */
  readonly asked: string[];
  /** Serves other content under a path from now on. */
  replace(path: string, change: (content: string) => string): Promise<void>;
  close(): Promise<void>;
}

export async function plainHost(folder: string): Promise<PlainHost> {
  const asked: string[] = [];
  const replaced = new Map<string, string>();
  const server = createServer((request, response) => {
    const path = normalize(decodeURIComponent(new URL(request.url ?? '/', 'http://host').pathname)).replace(
      /\/$/,
      '/index.html',
    );
    asked.push(path);
    const content = replaced.get(path);
    (content === undefined ? readFile(join(folder, path)) : Promise.resolve(content)).then(
      (body) =>
        response.writeHead(200, { 'content-type': TYPES[extname(path)] ?? 'application/octet-stream' }).end(body),
      () => response.writeHead(404).end(),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, 'localhost', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    origin: `http://localhost:${port}`,
    asked,
    async replace(path, change) {
      replaced.set(path, change(await readFile(join(folder, path), 'utf8')));
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
