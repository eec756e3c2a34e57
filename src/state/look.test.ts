import { expect, it } from 'vitest';
import { createStore } from 'zustand/vanilla';
import type { ClipInfo } from '../../workers/media/clip-info.ts';
import type { Picture } from '../../workers/protocol.ts';
import type { Enhancer } from '../client/enhancer.ts';
import { createLook } from './look.ts';
import type { SessionState } from './phase.ts';

const picture = (width: number): Picture => ({ width, height: 1, rgba: new Uint8ClampedArray(4 * width) });

function handSession() {
  const asked: number[] = [];
  const answers: ((picture: Picture) => void)[] = [];
  const store = createStore(() => ({ phase: { kind: 'empty' } }) as SessionState);
  const engine = {
    poster: (_file: File, _width: number, timestampUs: number) => {
      asked.push(timestampUs);
      return new Promise<Picture>((resolve) => answers.push(resolve));
    },
    filmstrip: async () => [{ timestampUs: 0, picture: picture(1) }],
  } as unknown as Enhancer;
  const open = (firstUs: number): void => {
    const info = { timestampsUs: [firstUs] } as unknown as ClipInfo;
    const clip = { file: new File(['x'], 'a.mp4'), info };
    store.setState({ phase: { kind: 'ready', clip, plan: { kind: 'pending', previous: null } } } as SessionState);
  };
  return { asked, answers, open, session: { store, engine: () => engine } };
}
const settled = () => new Promise((resolve) => setTimeout(resolve));

it('asks for one frame at a time and for the newest wish next', async () => {
  const { asked, answers, open, session } = handSession();
  const look = createLook(session);
  look.follow();
  open(500);
  look.lookAt(1000);
  look.lookAt(2000);
  look.lookAt(3000);
  expect(asked).toEqual([1500]);
  answers[0]!(picture(1));
  await settled();
  expect(asked).toEqual([1500, 3500]);
  answers[1]!(picture(2));
  await settled();
  expect(asked).toHaveLength(2);
  expect(look.store.getState().frame?.width).toBe(2);
});

it('a new clip is looked at from its beginning, and a late frame of the old one is dropped', async () => {
  const { answers, open, session } = handSession();
  const look = createLook(session);
  look.follow();
  open(0);
  await settled();
  expect(look.store.getState().glimpses).toHaveLength(1);
  look.lookAt(1000);
  open(0);
  answers[0]!(picture(1));
  await settled();
  expect(look.store.getState()).toMatchObject({ momentUs: 0, frame: null });
});
