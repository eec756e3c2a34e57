/**
 * Holds the rules of the house: which room may import which, which module may import which package, and no import cycles.
 * Run by `npm run boundaries`; prints each breach as `file: reason` and exits 1.
 */

import { readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';

const ROOT = resolve(import.meta.dirname, '..');

/** In the order that data meets them: a room never imports a later one. */
const ROOMS = ['media', 'plan', 'condition', 'denoise', 'reconstruct', 'models', 'runtime', 'jobs', 'pipeline'];

const PACKAGE_OWNERS: Record<string, (file: string) => boolean> = {
  'onnxruntime-web': (file) => file.startsWith('workers/runtime/'),
  mp4box: (file) => file.startsWith('workers/media/'),
  mediabunny: (file) => file.startsWith('workers/media/'),
  react: (file) => file.startsWith('src/'),
  'react-dom': (file) => file === 'src/main.tsx',
  zustand: (file) => file.startsWith('src/state/') || file.startsWith('src/ui/'),
};

const PURE_ROOMS = ['plan', 'denoise', 'condition', 'reconstruct'];
const BROWSER_GLOBALS =
  /\b(document|navigator|self|GPUDevice|VideoFrame|VideoDecoder|VideoEncoder|OffscreenCanvas|fetch)\s*[.(]/;
/** Value imports that the page may take from the engine: everything else there is types. */
const PAGE_VALUES = [
  'workers/errors.ts',
  'workers/jobs/visit.ts',
  'workers/plan/recipe-code.ts',
  'workers/plan/settings.ts',
  'workers/protocol.ts',
];

interface Import {
  readonly specifier: string;
  readonly typeOnly: boolean;
}

const files = ['src', 'workers', 'tools'].flatMap(sources);
const breaches: string[] = [];
const graph = new Map<string, string[]>();

for (const file of files) {
  const text = readFileSync(join(ROOT, file), 'utf8');
  const test = /\.test\.tsx?$|\/fixtures\//.test(file);
  const targets: string[] = [];
  for (const { specifier, typeOnly } of imports(text)) {
    if (specifier.startsWith('.')) {
      const target = relative(ROOT, resolve(ROOT, dirname(file), specifier.replace(/\?.*$/, '')));
      if (!typeOnly) targets.push(target);
      if (!test) checkLocal(file, target, typeOnly);
    } else if (!test) {
      checkPackage(file, specifier);
    }
  }
  graph.set(file, targets);
  const room = roomOf(file);
  if (!test && room && PURE_ROOMS.includes(room)) {
    const code = text.replace(/\/\*[\s\S]*?\*\/|\/\/.*$/gm, '');
    const match = BROWSER_GLOBALS.exec(code);
    if (match) breaches.push(`${file}: ${room}/ is pure and may not use ${match[1]}`);
  }
}

for (const cycle of cycles(graph)) breaches.push(`${cycle[0]}: import cycle ${cycle.join(' → ')}`);

if (breaches.length > 0) {
  console.error(breaches.join('\n'));
  process.exit(1);
}
console.log(`boundaries: ${files.length} files, no breach`);

function sources(folder: string): string[] {
  return readdirSync(join(ROOT, folder)).flatMap((name) => {
    const path = `${folder}/${name}`;
    if (statSync(join(ROOT, path)).isDirectory()) return sources(path);
    return /\.tsx?$/.test(name) ? [path] : [];
  });
}

function imports(text: string): Import[] {
  const found: Import[] = [];
  const statement = /^\s*(?:import|export)\s+(type\s+)?(?:[^'";]*?\sfrom\s+)?'([^']+)'/gm;
  for (const match of text.matchAll(statement)) found.push({ specifier: match[2]!, typeOnly: match[1] !== undefined });
  for (const match of text.matchAll(/\bimport\(\s*'([^']+)'\s*\)/g))
    found.push({ specifier: match[1]!, typeOnly: false });
  return found;
}

function roomOf(file: string): string | undefined {
  return /^workers\/([^/]+)\//.exec(file)?.[1];
}

function checkLocal(file: string, target: string, typeOnly: boolean): void {
  if (file.startsWith('workers/') && target.startsWith('src/'))
    breaches.push(`${file}: the engine may not import the page (${target})`);
  if (file.startsWith('src/') && target.startsWith('workers/') && !typeOnly && !PAGE_VALUES.includes(target)) {
    breaches.push(`${file}: the page takes only types from ${target}`);
  }
  const from = roomOf(file);
  const to = roomOf(target);
  if (from && to && ROOMS.includes(from) && ROOMS.includes(to) && ROOMS.indexOf(to) > ROOMS.indexOf(from)) {
    breaches.push(`${file}: ${from}/ may not import the later room ${to}/ (${target})`);
  }
}

function checkPackage(file: string, specifier: string): void {
  const name = specifier.startsWith('@') ? specifier.split('/').slice(0, 2).join('/') : specifier.split('/')[0]!;
  const owns = PACKAGE_OWNERS[name];
  if (owns && !owns(file)) breaches.push(`${file}: ${name} is not imported here`);
}

function cycles(edges: ReadonlyMap<string, readonly string[]>): string[][] {
  const found: string[][] = [];
  const done = new Set<string>();
  const path: string[] = [];
  const visit = (file: string): void => {
    const at = path.indexOf(file);
    if (at >= 0) {
      found.push([...path.slice(at), file]);
      return;
    }
    if (done.has(file)) return;
    path.push(file);
    for (const target of edges.get(file) ?? []) visit(target);
    path.pop();
    done.add(file);
  };
  for (const file of edges.keys()) visit(file);
  return found;
}
