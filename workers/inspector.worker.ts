/**
 * The inspector's entry: holds one result against its source. Owns no logic of its own; ended by the page when the result is left.
 */

import { toErrorData } from './errors.ts';
import type { InspectionAnswer, InspectionRequest } from './inspection-protocol.ts';
import { Inspection } from './pipeline/inspection.ts';

declare const self: DedicatedWorkerGlobalScope;

let inspection: Promise<Inspection> | null = null;

self.addEventListener('message', ({ data }: MessageEvent<InspectionRequest>) => {
  answer(data).then(send, (error) => send({ kind: 'failed', requestId: data.requestId, error: toErrorData(error) }));
});

async function answer(request: InspectionRequest): Promise<InspectionAnswer> {
  const { requestId } = request;
  if (request.kind === 'open') {
    inspection = Inspection.open(request.pair);
    return { kind: 'times', requestId, times: (await inspection).times };
  }
  if (!inspection) throw new RangeError('the inspector was asked before it was opened');
  const opened = await inspection;
  switch (request.kind) {
    case 'difference':
      return { kind: 'difference', requestId, difference: await opened.difference(request.frame, request.maxWidth) };
    case 'fidelity':
      return { kind: 'fidelity', requestId, fidelity: await opened.fidelity() };
  }
}

function send(message: InspectionAnswer): void {
  self.postMessage(message, transferables(message));
}

function transferables(message: InspectionAnswer): Transferable[] {
  switch (message.kind) {
    case 'difference':
      return [message.difference.picture.rgba.buffer];
    case 'fidelity':
      return [message.fidelity.worstBefore.rgba.buffer, message.fidelity.worstAfter.rgba.buffer];
    default:
      return [];
  }
}
