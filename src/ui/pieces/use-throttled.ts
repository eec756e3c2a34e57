import { useEffect, useRef, useState } from 'react';

/** The value, changing at most once in `intervalMs`; the newest one always arrives in the end. */
export function useThrottled<T>(value: T, intervalMs: number): T {
  const [shown, setShown] = useState(value);
  const lastChangeMs = useRef(Number.NEGATIVE_INFINITY);
  useEffect(() => {
    const waitMs = Math.max(0, lastChangeMs.current + intervalMs - performance.now());
    const timer = setTimeout(() => {
      lastChangeMs.current = performance.now();
      setShown(value);
    }, waitMs);
    return () => clearTimeout(timer);
  }, [value, intervalMs]);
  return shown;
}
