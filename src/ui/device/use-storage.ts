/** What the browser lets this page store, and whether it promises to keep it. */

import { useCallback, useEffect, useState } from 'react';

export interface StorageState {
  /** Null where the browser doesn't say. */
  readonly estimate: StorageEstimate | null;
  readonly persisted: boolean | null;
}

export interface Storage extends StorageState {
  /** Asks the browser not to clear it when space runs short. */
  persist(): void;
}

export function useStorage(): Storage {
  const [state, setState] = useState<StorageState>({ estimate: null, persisted: null });
  const look = useCallback(async (): Promise<void> => {
    const { storage } = navigator;
    const [estimate, persisted] = await Promise.all([
      storage?.estimate?.().catch(() => null) ?? null,
      storage?.persisted?.().catch(() => null) ?? null,
    ]);
    setState({ estimate, persisted });
  }, []);
  useEffect(() => void look(), [look]);
  const persist = (): void => {
    void navigator.storage
      .persist()
      .catch(() => false)
      .then(look);
  };
  return { ...state, persist };
}
