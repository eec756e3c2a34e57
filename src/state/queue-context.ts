/** The queue bound to React. */

import { createContext, useContext } from 'react';
import { useStore } from 'zustand';
import type { ClipQueue, QueueState } from './queue.ts';

export const QueueContext = createContext<ClipQueue | null>(null);

/** @throws Error outside of a provider. */
export function useQueue(): ClipQueue {
  const queue = useContext(QueueContext);
  if (queue === null) throw new Error('useQueue needs a QueueContext above it');
  return queue;
}

export function useQueueState<T>(select: (state: QueueState) => T): T {
  return useStore(useQueue().store, select);
}
