import type { ErrorData } from '../../../workers/errors.ts';
import { useSessionState } from '../../state/react.ts';

/** What a bug report needs, as text: the error, the device, the recipe and the clip's shape; no file name, no picture. */
export function useReport(error: ErrorData): string {
  const device = useSessionState((state) => state.device);
  const settings = useSessionState((state) => state.settings);
  const engine = useSessionState((state) => state.engine);
  const clip = useSessionState(({ phase }) => ('clip' in phase ? phase.clip.info : null));
  const shape =
    clip === null
      ? null
      : {
          container: clip.container,
          videoCodec: clip.videoCodec,
          width: clip.width,
          height: clip.height,
          frameCount: clip.frameCount,
          durationUs: clip.durationUs,
          audio: clip.audioTracks.map((track) => track.codec),
        };
  const lines = [
    `${error.code}: ${error.message}`,
    error.detail ?? '',
    `device ${JSON.stringify(device.kind === 'found' ? device.info : device.kind)}`,
    `engine ${JSON.stringify({ provider: engine.provider, memoryBudgetBytes: engine.memoryBudgetBytes })}`,
    `settings ${JSON.stringify(settings)}`,
    `clip ${JSON.stringify(shape)}`,
    `browser ${navigator.userAgent}`,
  ];
  return lines.filter((line) => line !== '').join('\n');
}
