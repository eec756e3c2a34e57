/**
 * A file of weights on disk, as onnxruntime is to read it: piece by piece, each at once.
 *
 * onnxruntime reads through `Blob.stream()`, thousands of times a model. Chromium 156 now and then loses such a stream in the middle of a read: the promise never settles, and
 * the session is never made (docs/runtime.md). Costs a block of memory beside the piece; blocks the worker while the disk is read. Needs a worker.
 */

const BLOCK_BYTES = 4 * 2 ** 20;

export class ShardBlob extends Blob {
  readonly #file: Blob;

  constructor(file: Blob) {
    super();
    this.#file = file;
  }

  override get size(): number {
    return this.#file.size;
  }

  override slice(start?: number, end?: number): Blob {
    return new ShardBlob(this.#file.slice(start, end));
  }

  override arrayBuffer(): Promise<ArrayBuffer> {
    return this.#file.arrayBuffer();
  }

  override stream(): ReadableStream<Uint8Array<ArrayBuffer>> {
    const file = this.#file;
    const reader = new FileReaderSync();
    let at = 0;
    return new ReadableStream({
      pull(controller) {
        const block = file.slice(at, at + BLOCK_BYTES);
        at += block.size;
        if (block.size > 0) controller.enqueue(new Uint8Array(reader.readAsArrayBuffer(block)));
        else controller.close();
      },
    });
  }
}

/** What a session of the GPU's provider is given of a part's weights. */
export function asShard(bytes: Uint8Array | Blob): Uint8Array | Blob {
  return bytes instanceof Blob && typeof FileReaderSync !== 'undefined' ? new ShardBlob(bytes) : bytes;
}
