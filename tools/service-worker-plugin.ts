/** Vite plugin: builds the service worker beside the page and tells it which files the build has. */

import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import type { Plugin } from 'vite';

export const SERVICE_WORKER = 'service-worker.js';
const ENTRY = 'workers/service-worker.ts';
const PLACEHOLDER = '__BUILD__';
/** Of the public files: what a job needs offline, and what the first screen shows. Notices are for reading online. */
const KEPT_PUBLIC = /^(models\/nano\/.+|tokenizer\/.+|samples\/.+|icons\/.+|favicon\.svg|manifest\.webmanifest)$/;
const NOT_KEPT = /(README\.md|\.map)$/;
/** A job's own: they come after the shell. */
const LATER = /\.(wasm|onnx|bin|mp4|gz)$|^models\/|ort-wasm/;

interface BuildFile {
  readonly path: string;
  readonly revision: string;
  readonly shell: boolean;
}

/** @param policy the content security policy, for hosts that can't send it with the workers' scripts. */
export function serviceWorker(policy: string): Plugin {
  let publicDir = '';
  return {
    name: 'service-worker',
    apply: 'build',
    config: () => ({
      build: {
        rolldownOptions: {
          input: { index: 'index.html', 'service-worker': ENTRY },
          output: {
            entryFileNames: ({ name }) => (name === 'service-worker' ? SERVICE_WORKER : 'assets/[name]-[hash].js'),
          },
        },
      },
    }),
    configResolved: (config) => {
      publicDir = config.publicDir;
    },
    generateBundle: {
      order: 'post',
      handler(_options, bundle) {
        const worker = bundle[SERVICE_WORKER];
        if (worker?.type !== 'chunk') throw new Error('the service worker was not built');
        if (worker.imports.length > 0) throw new Error('the service worker must stand alone');
        const built = Object.values(bundle)
          .filter(({ fileName }) => fileName !== SERVICE_WORKER && !NOT_KEPT.test(fileName))
          .map((output) => described(output.fileName, output.type === 'chunk' ? output.code : output.source));
        const files = [...built, ...publicFiles(publicDir)].sort((a, b) => a.path.localeCompare(b.path));
        const version = hashOf(JSON.stringify([files, worker.code])).slice(0, 12);
        worker.code = worker.code.replaceAll(PLACEHOLDER, () => JSON.stringify({ version, files, policy }));
      },
    },
  };
}

function publicFiles(folder: string): BuildFile[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)))
    .filter((path) => KEPT_PUBLIC.test(path) && !NOT_KEPT.test(path))
    .map((path) => described(path, readFileSync(join(folder, path))));
}

function described(path: string, content: string | Uint8Array): BuildFile {
  return { path, revision: hashOf(content).slice(0, 12), shell: !LATER.test(path) };
}

function hashOf(content: string | Uint8Array): string {
  return createHash('sha256').update(content).digest('hex');
}
