/** The comparison's keys, while the focus is in it. Fields keep theirs: arrows move a slider, Space presses a button. */

import type { KeyboardEvent } from 'react';
import { VIEWS } from '../../state/inspection.ts';
import { useInspection } from '../../state/react.ts';

export interface CompareActions {
  toggle(): void;
  step(frames: number): void;
  /** To the first frame, or the last. */
  toEnd(last: boolean): void;
  toggleLoop(): void;
  toggleMuted(): void;
  toggleFullScreen(): void;
  toggleKeys(): void;
}

/** Of the picture, with each press of an arrow. */
const PAN = 0.02;

const ARROWS: Readonly<Record<string, readonly [number, number]>> = {
  ArrowLeft: [-PAN, 0],
  ArrowRight: [PAN, 0],
  ArrowUp: [0, -PAN],
  ArrowDown: [0, PAN],
};

export function useCompareKeys(actions: CompareActions): (event: KeyboardEvent) => void {
  const inspection = useInspection();
  return (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const target = event.target as HTMLElement;
    const slides = target instanceof HTMLInputElement;
    const presses = target instanceof HTMLButtonElement || target.tagName === 'SUMMARY';
    const { view, spot } = inspection.store.getState();
    const act = (action: () => void): void => {
      event.preventDefault();
      action();
    };
    const arrow = ARROWS[event.key];
    if (arrow !== undefined) {
      if (slides) return;
      if (view === 'loupe') act(() => inspection.moveTo({ x: spot.x + arrow[0], y: spot.y + arrow[1] }));
      else if (arrow[0] !== 0) act(() => actions.step(Math.sign(arrow[0])));
      return;
    }
    switch (event.key) {
      case ' ':
        if (!presses && !(slides && target.type === 'radio')) act(actions.toggle);
        return;
      case ',':
        act(() => actions.step(-1));
        return;
      case '.':
        act(() => actions.step(1));
        return;
      case 'Home':
      case 'End':
        if (!slides) act(() => actions.toEnd(event.key === 'End'));
        return;
      case '+':
      case '=':
        act(() => (view === 'loupe' ? inspection.zoomBy(1) : inspection.show('loupe')));
        return;
      case '-':
        act(() => inspection.zoomBy(-1));
        return;
      case 'l':
        act(actions.toggleLoop);
        return;
      case 'm':
        act(actions.toggleMuted);
        return;
      case 'f':
        act(actions.toggleFullScreen);
        return;
      case '?':
        act(actions.toggleKeys);
        return;
      default: {
        const chosen = VIEWS[Number(event.key) - 1];
        if (chosen !== undefined) act(() => inspection.show(chosen));
      }
    }
  };
}
