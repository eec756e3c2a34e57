/** What goes to the GPU, counted at the browser's own calls: dispatches, submits, and bytes written to it and mapped back. */

export interface GpuCounts {
  readonly dispatches: number;
  readonly submits: number;
  readonly bytesWritten: number;
  readonly bytesRead: number;
}

const counted = { dispatches: 0, submits: 0, bytesWritten: 0, bytesRead: 0 };
let watching = false;

export function gpuCounts(): GpuCounts {
  return { ...counted };
}

/** From now on, in this worker. */
export function watchGpu(): void {
  if (watching || typeof GPUQueue === 'undefined') return;
  watching = true;
  const { dispatchWorkgroups, dispatchWorkgroupsIndirect } = GPUComputePassEncoder.prototype;
  GPUComputePassEncoder.prototype.dispatchWorkgroups = function (...given) {
    counted.dispatches += 1;
    return dispatchWorkgroups.apply(this, given);
  };
  GPUComputePassEncoder.prototype.dispatchWorkgroupsIndirect = function (...given) {
    counted.dispatches += 1;
    return dispatchWorkgroupsIndirect.apply(this, given);
  };
  const { submit, writeBuffer } = GPUQueue.prototype;
  GPUQueue.prototype.submit = function (...given) {
    counted.submits += 1;
    return submit.apply(this, given);
  };
  GPUQueue.prototype.writeBuffer = function (...given: Parameters<GPUQueue['writeBuffer']>) {
    const [, , data, , size] = given;
    const unit = ArrayBuffer.isView(data) && 'BYTES_PER_ELEMENT' in data ? Number(data.BYTES_PER_ELEMENT) : 1;
    counted.bytesWritten += size === undefined ? data.byteLength : size * unit;
    return writeBuffer.apply(this, given);
  };
  const { mapAsync, getMappedRange } = GPUBuffer.prototype;
  GPUBuffer.prototype.mapAsync = function (mode, ...given) {
    if (mode & GPUMapMode.READ) counted.bytesRead += given[1] ?? this.size;
    return mapAsync.apply(this, [mode, ...given]);
  };
  GPUBuffer.prototype.getMappedRange = function (...given) {
    if (this.usage & GPUBufferUsage.MAP_WRITE || !(this.usage & GPUBufferUsage.MAP_READ)) {
      counted.bytesWritten += given[1] ?? this.size;
    }
    return getMappedRange.apply(this, given);
  };
}
