import type { ErrorCode } from '../../../workers/errors.ts';
import { useModels } from '../../state/models-context.ts';
import { openDevicePanel } from '../device/device-panel-state.ts';
import { Button } from '../pieces/Button.tsx';
import { words } from '../words.ts';

/** What lies with the device: its panel says more, and what to change. */
const OF_THE_DEVICE: ReadonlySet<ErrorCode> = new Set([
  'PROVIDER_UNAVAILABLE',
  'NO_WEBCODECS',
  'NO_ENCODER',
  'DEVICE_LOST',
  'OUT_OF_GPU_MEMORY',
  'QUOTA_EXCEEDED',
  'STORAGE_FAILED',
]);
const OF_THE_PAGE: ReadonlySet<ErrorCode> = new Set(['INTERNAL', 'WORKER_FAILED']);
const OF_A_MODEL: ReadonlySet<ErrorCode> = new Set(['MODEL_MISSING', 'MODEL_CORRUPT']);

/** A way to what the error is about. */
export function ErrorActions({ code }: { readonly code: ErrorCode }) {
  const models = useModels();
  if (OF_THE_DEVICE.has(code)) return <Button onClick={openDevicePanel}>{words.device.open}</Button>;
  if (OF_THE_PAGE.has(code)) return <Button onClick={() => location.reload()}>{words.failure.reload}</Button>;
  if (OF_A_MODEL.has(code)) return <Button onClick={models.openManager}>{words.models.open}</Button>;
  return null;
}
