/**
 * The models that a job can be given: those shipped with the page, read from its address, and those installed in the origin's private
 * storage. Manifests are kept; of loaded models there is at most one, since the next may need all the memory there is.
 */

import { EnhancerError } from '../errors.ts';
import { sha256Hex } from '../jobs/source-identity.ts';
import type { Manifest } from '../models/manifest.ts';
import { type PackageSource, readManifest } from '../models/package.ts';
import { PackageStore } from '../models/store/package-store.ts';
import { urlSource } from '../models/url-source.ts';
import type { Runtime } from '../runtime/runtime.ts';
import { Model } from './model.ts';

interface Found {
  readonly source: PackageSource;
  readonly installed: boolean;
  /** Another for a model that was deleted and imported anew under the same name. */
  readonly key: string;
}

export class ModelShelf {
  readonly #modelsUrl: string;
  readonly #manifests = new Map<string, Promise<Manifest>>();
  #loaded: { readonly key: string; readonly model: Promise<Model> } | null = null;

  /** @param modelsUrl absolute address of the folder of shipped packages, ending in a slash. */
  constructor(modelsUrl: string) {
    this.#modelsUrl = modelsUrl;
  }

  /** @throws EnhancerError `MODEL_MISSING`, `MODEL_CORRUPT`. */
  async manifest(name: string): Promise<Manifest> {
    const { source, key } = await this.#found(name);
    const known = this.#manifests.get(key);
    if (known) return known;
    const made = readManifest(source);
    this.#manifests.set(key, made);
    made.catch(() => this.#manifests.delete(key));
    return made;
  }

  /** Whose journal may go on with it. */
  async hash(name: string): Promise<string> {
    return sha256Hex(new TextEncoder().encode(JSON.stringify(await this.manifest(name))));
  }

  /** The model, loaded; any other is released first. @throws EnhancerError as {@link Model.load}. */
  async model(name: string, runtime: Runtime): Promise<Model> {
    const { source, installed, key } = await this.#found(name);
    if (this.#loaded?.key === key) return this.#loaded.model;
    const before = this.#loaded;
    const model = (async () => {
      await before?.model.then((other) => other.release()).catch(() => undefined);
      // An installed package was hashed as it was written, and again whenever the person asks.
      return Model.load(runtime, source, { verify: !installed });
    })();
    const loaded = { key, model };
    this.#loaded = loaded;
    model.catch(() => {
      if (this.#loaded === loaded) this.#loaded = null;
    });
    return model;
  }

  /** Forgets the loaded model, whose device is gone. */
  drop(): void {
    this.#loaded = null;
  }

  async #found(name: string): Promise<Found> {
    if (!/^[\w-]+$/.test(name)) {
      throw new EnhancerError('MODEL_MISSING', `There is no model named ${name}.`, 'Choose one of the listed models.');
    }
    const store = await PackageStore.open().catch(() => null);
    const version = (await store?.version(name)) ?? null;
    if (store && version !== null) return { source: store.source(name), installed: true, key: `${name}@${version}` };
    return { source: urlSource(new URL(`${name}/`, this.#modelsUrl).href), installed: false, key: name };
  }
}
