/** The device as text for a bug report: no file name, no picture, nothing that a page could not see anyway. */

import type { EngineOptions } from '../../../workers/protocol.ts';
import type { DeviceState } from '../../state/phase.ts';

export function deviceReport(device: DeviceState, engine: EngineOptions, storage: StorageEstimate | null): string {
  const found = device.kind === 'found' ? device.info : device;
  const report = {
    device: found,
    engine: { provider: engine.provider, memoryBudgetBytes: engine.memoryBudgetBytes },
    storage: { usageBytes: storage?.usage ?? null, quotaBytes: storage?.quota ?? null },
    crossOriginIsolated,
    webGpu: 'gpu' in navigator,
    webCodecs: 'VideoEncoder' in window,
    processors: navigator.hardwareConcurrency,
    screen: `${screen.width}×${screen.height} at ${devicePixelRatio}`,
    browser: navigator.userAgent,
  };
  return JSON.stringify(report, null, 2);
}
