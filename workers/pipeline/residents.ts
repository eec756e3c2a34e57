/**
 * The sessions of a package: opened when they are first asked for, and released again where the job's plan has no room for all at once.
 *
 * Opening costs the reading of the part's weights, from disk or from the page's address, and what the provider makes of them.
 */

import { EnhancerError } from '../errors.ts';
import type { Manifest, PartName } from '../models/manifest.ts';
import { loadPart, type PackageSource } from '../models/package.ts';
import { specialised, type Variant } from '../models/specialise.ts';
import type { Provider, Residency } from '../plan/job-plan.ts';
import type { Runtime } from '../runtime/runtime.ts';
import type { ModelSession } from '../runtime/session.ts';

/** Parts that may be there together; a part in none of the sets is there alone, and only while it is used. */
const TOGETHER: Readonly<Record<Residency, readonly (readonly PartName[])[]>> = {
  all: [['vae-encoder', 'vae-decoder', 'controlnet', 'unet']],
  stages: [['vae-encoder'], ['vae-decoder'], ['controlnet', 'unet']],
  parts: [['vae-encoder'], ['vae-decoder'], ['controlnet'], ['unet']],
};

/** A network built for a job's shapes, or for the provider, instead of the package's own graph. */
export interface Build extends Variant {
  /** Fixed sizes of the graph's symbols. */
  readonly dimensions?: Readonly<Record<string, number>>;
}

/** What a small model's networks are built as for the processor, at any shape. */
export const FOR_THE_PROCESSOR: Build = { winograd: true };

interface Resident {
  readonly part: PartName;
  readonly session: ModelSession;
}

export class Residents {
  readonly #runtime: Runtime;
  readonly #source: PackageSource;
  readonly #manifest: Manifest;
  readonly #verify: boolean;
  readonly #sessions = new Map<string, Resident>();
  #residency: Residency = 'all';

  constructor(runtime: Runtime, source: PackageSource, manifest: Manifest, verify: boolean) {
    this.#runtime = runtime;
    this.#source = source;
    this.#manifest = manifest;
    this.#verify = verify;
  }

  get provider(): Provider {
    return this.#runtime.provider;
  }

  get residency(): Residency {
    return this.#residency;
  }

  /** From the next part asked for on. */
  set residency(residency: Residency) {
    this.#residency = residency;
  }

  /**
   * A part's session; another build of the same part makes way for it.
   * @throws EnhancerError `MODEL_MISSING`, `MODEL_CORRUPT`, or what the runtime throws for want of memory.
   */
  async session(part: PartName, build: Build | null = null): Promise<ModelSession> {
    const key = JSON.stringify([part, build]);
    await this.#makeRoomFor(part, key);
    const known = this.#sessions.get(key);
    if (known) return known.session;
    const session = await this.#open(part, build);
    this.#sessions.set(key, { part, session });
    return session;
  }

  /** Runs one part that is not kept: all others are released, then it is. The plan's peak counts on that. */
  async once<T>(part: PartName, use: (session: ModelSession) => Promise<T>): Promise<T> {
    await this.#makeRoomFor(part, '');
    const session = await this.#open(part, null);
    try {
      return await use(session);
    } finally {
      await session.release();
    }
  }

  async release(): Promise<void> {
    const residents = [...this.#sessions.values()];
    this.#sessions.clear();
    for (const { session } of residents) await session.release();
  }

  async #makeRoomFor(part: PartName, key: string): Promise<void> {
    const companions = TOGETHER[this.#residency].find((set) => set.includes(part)) ?? [part];
    for (const [other, { part: its, session }] of [...this.#sessions]) {
      if (other === key || (its !== part && companions.includes(its))) continue;
      this.#sessions.delete(other);
      await session.release();
    }
  }

  async #open(name: PartName, build: Build | null): Promise<ModelSession> {
    const record = this.#manifest.parts[name];
    if (!record) throw lacking(this.#manifest.name, name);
    const residentOutputs = name === 'controlnet';
    if (!build || (name !== 'controlnet' && name !== 'unet')) {
      return this.#runtime.createSession(await loadPart(this.#source, record, this.#verify), { residentOutputs });
    }
    const own = await loadPart(this.#source, { ...record, data: [] }, this.#verify);
    const { graph, locations } = specialised(this.#manifest.config, name, own.graph, build);
    const needed = { ...record, data: record.data.filter((file) => locations.has(file.name)) };
    const { data } = await loadPart(this.#source, needed, this.#verify);
    const { dimensions = {}, winograd = false } = build;
    return this.#runtime.createSession({ graph, data }, { residentOutputs, dimensions, foldQuantised: winograd });
  }
}

export function lacking(model: string, part: PartName): EnhancerError {
  return new EnhancerError(
    'MODEL_MISSING',
    `The model ${model} has no ${part}.`,
    'Install the model again with all of its parts.',
  );
}
