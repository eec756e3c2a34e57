import { useEffect, useState } from 'react';

/** What the DOM types don't have yet. */
interface MeasuringPerformance extends Performance {
  measureUserAgentSpecificMemory?(): Promise<{ readonly bytes: number }>;
}

const INTERVAL_MS = 20_000;

/** What the page and its workers hold, as the browser measures it now and then; null where it doesn't. */
export function useMeasuredMemory(): number | null {
  const [bytes, setBytes] = useState<number | null>(null);
  useEffect(() => {
    let over = false;
    const measure = async (): Promise<void> => {
      const performance = globalThis.performance as MeasuringPerformance;
      const measured = await performance.measureUserAgentSpecificMemory?.().catch(() => null);
      if (!over && measured) setBytes(measured.bytes);
    };
    void measure();
    const timer = setInterval(() => void measure(), INTERVAL_MS);
    return () => {
      over = true;
      clearInterval(timer);
    };
  }, []);
  return bytes;
}
