/**
 * A prompt to what the networks attend to. The text encoder runs once a text and model; its contexts, 0.3 MB each, are kept, it is not.
 */

import { captionOf, NEGATIVE_PROMPT } from '../models/tokenizer/captions.ts';
import { loadTokenizer, MERGES_PATH, type Tokenizer } from '../models/tokenizer/tokenizer.ts';
import { urlSource } from '../models/url-source.ts';
import type { Settings } from '../plan/settings.ts';
import { type Tensor, tensor } from '../tensor.ts';
import type { Model } from './model.ts';

export interface TextConditions {
  /** [77, 1024] of the prompt, and of what it is guided away from; null at guidance 1. */
  readonly positive: Tensor;
  readonly negative: Tensor | null;
  readonly guidance: number;
}

/** Texts whose contexts are kept. */
const KEPT = 16;

export class TextConditioner {
  readonly #pageUrl: string;
  #tokenizer: Promise<Tokenizer> | null = null;
  readonly #contexts = new Map<string, Tensor>();

  /** @param pageUrl the page's own address, below which the tokenizer's merges lie. */
  constructor(pageUrl: string) {
    this.#pageUrl = pageUrl;
  }

  /**
   * Null for a model without text.
   * @throws EnhancerError `MODEL_MISSING` where the package has no text encoder, `MODEL_CORRUPT`, or the runtime's.
   */
  async conditions(settings: Settings, model: Model): Promise<TextConditions | null> {
    if (!model.info.prompted) return null;
    const { prompt, negativePrompt, guidance } = settings;
    const positive = await this.#context(captionOf(prompt), model);
    const away = negativePrompt.trim() === '' ? NEGATIVE_PROMPT : negativePrompt;
    return { positive, negative: guidance === 1 ? null : await this.#context(away, model), guidance };
  }

  async #context(text: string, model: Model): Promise<Tensor> {
    const key = JSON.stringify([
      model.manifest.name,
      model.manifest.parts['text-encoder']?.data.map(({ sha256 }) => sha256),
      text,
    ]);
    const known = this.#contexts.get(key);
    if (known) return known;
    this.#tokenizer ??= this.#load();
    const tokens = (await this.#tokenizer).tokens(text);
    const context = await model.encodeText(tensor([tokens.length], Float32Array.from(tokens)));
    if (this.#contexts.size >= KEPT) this.#contexts.delete(this.#contexts.keys().next().value!);
    this.#contexts.set(key, context);
    return context;
  }

  #load(): Promise<Tokenizer> {
    const loading = (async () => {
      const merges = await urlSource(this.#pageUrl).read(MERGES_PATH);
      return loadTokenizer(merges instanceof Blob ? new Uint8Array(await merges.arrayBuffer()) : merges);
    })();
    loading.catch(() => {
      this.#tokenizer = null;
    });
    return loading;
  }
}
