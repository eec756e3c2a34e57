/**
 * The sessions of a package: opened when they are first asked for, and released again where the job's plan has no room for all at once.
 *
 * Opening costs the reading of the part's weights, from disk or from the page's address, and what the provider makes of them.
 */

import { EnhancerError } from '../errors.ts';
import type { Manifest, PartName } from '../models/manifest.ts';
import { loadPart, type PackageSource } from '../models/package.ts';
import type { Residency } from '../plan/job-plan.ts';
import type { Runtime } from '../runtime/runtime.ts';
import type { ModelSession } from '../runtime/session.ts';

/** Parts that may be there together; a part in none of the sets is there alone, and only while it is used. */
const TOGETHER: Readonly<Record<Residency, readonly (readonly PartName[])[]>> = {
  all: [['vae-encoder', 'vae-decoder', 'controlnet', 'unet']],
  stages: [['vae-encoder'], ['vae-decoder'], ['controlnet', 'unet']],
  parts: [['vae-encoder'], ['vae-decoder'], ['controlnet'], ['unet']],
};

export class Residents {
  readonly #runtime: Runtime;
  readonly #source: PackageSource;
  readonly #manifest: Manifest;
  readonly #verify: boolean;
  readonly #sessions = new Map<PartName, ModelSession>();
  #residency: Residency = 'all';

  constructor(runtime: Runtime, source: PackageSource, manifest: Manifest, verify: boolean) {
    this.#runtime = runtime;
    this.#source = source;
    this.#manifest = manifest;
    this.#verify = verify;
  }

  get residency(): Residency {
    return this.#residency;
  }

  /** From the next part asked for on. */
  set residency(residency: Residency) {
    this.#residency = residency;
  }

  /** @throws EnhancerError `MODEL_MISSING`, `MODEL_CORRUPT`, or what the runtime throws for want of memory. */
  async session(name: PartName): Promise<ModelSession> {
    await this.#makeRoomFor(name);
    const known = this.#sessions.get(name);
    if (known) return known;
    const session = await this.#open(name);
    this.#sessions.set(name, session);
    return session;
  }

  /** Runs one part that is not kept: the others that may not stand beside it are released, then it is. */
  async once<T>(name: PartName, use: (session: ModelSession) => Promise<T>): Promise<T> {
    if (this.#residency !== 'all') await this.#makeRoomFor(name);
    const session = await this.#open(name);
    try {
      return await use(session);
    } finally {
      await session.release();
    }
  }

  async release(): Promise<void> {
    const sessions = [...this.#sessions.values()];
    this.#sessions.clear();
    for (const session of sessions) await session.release();
  }

  async #makeRoomFor(name: PartName): Promise<void> {
    const companions = TOGETHER[this.#residency].find((set) => set.includes(name)) ?? [name];
    for (const [other, session] of [...this.#sessions]) {
      if (companions.includes(other)) continue;
      this.#sessions.delete(other);
      await session.release();
    }
  }

  async #open(name: PartName): Promise<ModelSession> {
    const record = this.#manifest.parts[name];
    if (!record) throw lacking(this.#manifest.name, name);
    const part = await loadPart(this.#source, record, this.#verify);
    return this.#runtime.createSession(part, { residentOutputs: name === 'controlnet' });
  }
}

export function lacking(model: string, part: PartName): EnhancerError {
  return new EnhancerError(
    'MODEL_MISSING',
    `The model ${model} has no ${part}.`,
    'Install the model again with all of its parts.',
  );
}
