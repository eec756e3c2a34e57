import type { ReactNode } from 'react';
import type { AudioTrackInfo, ClipInfo } from '../../../workers/media/clip-info.ts';
import type { LoadedClip } from '../../state/phase.ts';
import { useQueueState } from '../../state/queue-context.ts';
import { codecName, formatBytes, formatFrameRate, formatLength, formatList, formatSize } from '../format.ts';
import { Facts } from '../pieces/Facts.tsx';
import { words } from '../words.ts';
import styles from './ClipStrip.module.css';

/** What was put in: name and facts, under the stage. */
export function ClipStrip({ clip, children }: { readonly clip: LoadedClip; readonly children?: ReactNode }) {
  const { info, file } = clip;
  const companions = useQueueState((state) => state.companions);
  return (
    <div className={styles.strip}>
      <div className={styles.head}>
        <h1 tabIndex={-1} data-screen-heading className={styles.name} title={file.name}>
          {file.name}
        </h1>
        <div className={styles.actions}>{children}</div>
      </div>
      {companions.length === 0 ? null : (
        <p className={styles.together}>{words.clip.together(formatList(companions.map(({ name }) => name)))}</p>
      )}
      <Facts
        flow="line"
        facts={[
          { name: words.clip.size, value: formatSize(info.width, info.height) },
          { name: words.clip.frameRate, value: frameRateText(info) },
          { name: words.clip.length, value: formatLength(info.durationUs) },
          { name: words.clip.video, value: codecName(info.videoCodec) },
          { name: words.clip.audio, value: audioText(info.audioTracks) },
          { name: words.clip.file, value: formatBytes(info.bytes) },
        ]}
      />
    </div>
  );
}

function frameRateText({ frameRate, variableFrameRate }: ClipInfo): string {
  const rate = `${formatFrameRate(frameRate)} ${words.framesPerSecond}`;
  return variableFrameRate ? words.clip.frameRateVariable(rate) : rate;
}

function audioText(tracks: readonly AudioTrackInfo[]): string {
  if (tracks.length === 0) return words.clip.noAudio;
  return tracks
    .map(({ codec, channels, copyable }) => {
      const name = codecName(codec);
      return copyable
        ? `${name}, ${words.channels[channels] ?? words.channelCount(channels)}`
        : words.clip.dropped(name);
    })
    .join('; ');
}
