/**
 * Audits what the page is built from. Offline: every package that `dependencies` bring in is pinned to an exact version and a checksum, comes
 * from the npm registry, has a licence that may be shipped, and is either listed in THIRD_PARTY_NOTICES or known not to reach the page.
 * Online: npm's advisories, `high` and worse end it. Where the advisories can't be asked, it says so, and that this part is still to be done.
 */

import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

const ROOT = resolve(import.meta.dirname, '..');
const LICENCES = ['MIT', 'Apache-2.0', 'MPL-2.0', 'BSD-3-Clause', 'BSD-2-Clause', 'ISC', '0BSD'];
const REGISTRY = 'https://registry.npmjs.org/';

/** Installed with onnxruntime-web for other ways of using it; the bundler takes none of them into the page. */
const NOT_IN_THE_PAGE =
  /^(flatbuffers|guid-typescript|long|platform|protobufjs|@protobufjs\/.+|@types\/.+|undici-types|csstype)$/;

interface LockedPackage {
  readonly version?: string;
  readonly resolved?: string;
  readonly integrity?: string;
  readonly license?: string;
  readonly dev?: boolean;
  readonly optional?: boolean;
}

function read<T>(name: string): T {
  return JSON.parse(readFileSync(join(ROOT, name), 'utf8')) as T;
}

function offlineFindings(): string[] {
  const { dependencies, devDependencies } =
    read<Record<'dependencies' | 'devDependencies', Record<string, string>>>('package.json');
  const { packages } = read<{ packages: Record<string, LockedPackage> }>('package-lock.json');
  const notices = readFileSync(join(ROOT, 'public/THIRD_PARTY_NOTICES.txt'), 'utf8');
  const found: string[] = [];
  for (const [name, version] of Object.entries({ ...dependencies, ...devDependencies })) {
    if (!/^\d+\.\d+\.\d+(-[\w.]+)?$/.test(version)) found.push(`${name} is not pinned: ${version}`);
  }
  let count = 0;
  for (const [path, { version = '', resolved = '', integrity = '', license = '', dev }] of Object.entries(packages)) {
    if (path === '') continue;
    const name = path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length);
    // Without an address it is the registry that npm is set up with; the checksum says what comes.
    if (resolved !== '' && !resolved.startsWith(REGISTRY)) found.push(`${name} comes from ${resolved}`);
    if (!integrity.startsWith('sha512-')) found.push(`${name} has no sha512 checksum`);
    if (dev) continue;
    count += 1;
    if (!LICENCES.includes(license)) found.push(`${name} has the licence ${license || 'none'}`);
    const listed = notices.includes(`\n${name} ${version} (`);
    if (!listed && !NOT_IN_THE_PAGE.test(name)) found.push(`${name} ${version} is not in THIRD_PARTY_NOTICES`);
  }
  console.log(
    `${Object.keys(packages).length - 1} packages locked, ${count} of them behind the page: ${found.length} findings`,
  );
  return found;
}

interface AuditReport {
  readonly metadata?: { readonly vulnerabilities: Readonly<Record<string, number>> };
  readonly message?: string;
}

function advisoryFindings(): string[] {
  const run = spawnSync('npm', ['audit', '--omit=dev', '--json'], { cwd: ROOT, encoding: 'utf8', timeout: 120_000 });
  let report: AuditReport = {};
  try {
    report = JSON.parse(run.stdout) as AuditReport;
  } catch {
    // Said below.
  }
  const counts = report.metadata?.vulnerabilities;
  if (!counts) {
    console.warn(
      `NOT AUDITED for known vulnerabilities, npm's advisories can't be asked here: ${report.message ?? 'no answer'}`,
    );
    return [];
  }
  console.log(`npm's advisories: ${JSON.stringify(counts)}`);
  const bad = (counts.high ?? 0) + (counts.critical ?? 0);
  return bad === 0 ? [] : [`${bad} known vulnerabilities, high or critical: see \`npm audit --omit=dev\``];
}

const findings = [...offlineFindings(), ...advisoryFindings()];
for (const finding of findings) console.error(finding);
process.exit(findings.length === 0 ? 0 : 1);
