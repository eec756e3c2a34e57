/**
 * The GPU ledger: bytes of every buffer made and freed on a device, onnxruntime's own buffers included, since it makes
 * them through the same device object. Costs one map entry a live buffer.
 */

export interface LedgerReading {
  readonly liveBytes: number;
  readonly peakBytes: number;
  readonly liveBuffers: number;
  readonly createdBuffers: number;
}

export class GpuLedger {
  #liveBytes = 0;
  #peakBytes = 0;
  #liveBuffers = 0;
  #createdBuffers = 0;

  /** Watches a device from now on. */
  watch(device: GPUDevice): void {
    const create = device.createBuffer.bind(device);
    device.createBuffer = (descriptor) => {
      const buffer = create(descriptor);
      this.#add(descriptor.size);
      const destroy = buffer.destroy.bind(buffer);
      let live = true;
      buffer.destroy = () => {
        if (live) {
          live = false;
          this.#liveBytes -= descriptor.size;
          this.#liveBuffers -= 1;
        }
        return destroy();
      };
      return buffer;
    };
  }

  read(): LedgerReading {
    return {
      liveBytes: this.#liveBytes,
      peakBytes: this.#peakBytes,
      liveBuffers: this.#liveBuffers,
      createdBuffers: this.#createdBuffers,
    };
  }

  #add(bytes: number): void {
    this.#liveBytes += bytes;
    this.#liveBuffers += 1;
    this.#createdBuffers += 1;
    this.#peakBytes = Math.max(this.#peakBytes, this.#liveBytes);
  }
}
