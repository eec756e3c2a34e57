import { type ReactNode, useContext, useEffect, useState } from 'react';
import { Inspector } from '../../client/inspector.ts';
import { createInspection, type Inspection } from '../../state/inspection.ts';
import type { FinishedResult } from '../../state/phase.ts';
import { InspectionContext } from '../../state/react.ts';

interface InspectionProviderProps {
  /** What is looked at; null while there is nothing. */
  readonly result: FinishedResult | null;
  readonly children: ReactNode;
}

/** Opens an inspector for a result, as long as it is on screen. */
export function InspectionProvider({ result, children }: InspectionProviderProps) {
  const [opened, setOpened] = useState<{ readonly result: FinishedResult; readonly inspection: Inspection } | null>(
    null,
  );
  useEffect(() => {
    if (result === null) return;
    const inspection = createInspection(
      new Inspector({
        source: result.clip.file,
        output: result.output,
        sourceStart: result.plan?.sourceStart ?? 0,
        frameRateFactor: result.settings.frameRateFactor,
      }),
    );
    setOpened({ result, inspection });
    return () => inspection.close();
  }, [result]);
  const inspection = opened !== null && opened.result === result ? opened.inspection : null;
  return <InspectionContext value={inspection}>{children}</InspectionContext>;
}

/** What needs an inspection waits for it. */
export function WithInspection({ children }: { readonly children: ReactNode }) {
  return useContext(InspectionContext) === null ? null : children;
}
