/** The inspector in its worker: a finished result held against its source. Started when a result is looked at, ended when it is left. */

import { cancelled, EnhancerError, fromErrorData } from '../../workers/errors.ts';
import type {
  Difference,
  Fidelity,
  InspectedPair,
  InspectionAnswer,
  InspectionRequest,
  PairTimes,
} from '../../workers/inspection-protocol.ts';

type Body<R> = R extends InspectionRequest ? Omit<R, 'requestId'> : never;
type AnswerOf<Kind extends InspectionAnswer['kind']> = Extract<InspectionAnswer, { kind: Kind }>;

interface Pending {
  resolve(answer: InspectionAnswer): void;
  reject(error: unknown): void;
}

export class Inspector {
  /** When each frame is shown; settles once both clips are open. */
  readonly times: Promise<PairTimes>;
  readonly #worker: Worker;
  readonly #pending = new Map<number, Pending>();
  #nextRequestId = 1;

  constructor(pair: InspectedPair) {
    this.#worker = new Worker(new URL('../../workers/inspector.worker.ts', import.meta.url), {
      type: 'module',
      name: 'inspector',
    });
    this.#worker.addEventListener('message', ({ data }: MessageEvent<InspectionAnswer>) => this.#answer(data));
    this.#worker.addEventListener('error', (event) => {
      event.preventDefault();
      this.#failAll(
        new EnhancerError(
          'WORKER_FAILED',
          'The comparison stopped unexpectedly.',
          'Reload the page to compare again.',
          {
            detail: event.message,
          },
        ),
      );
    });
    this.times = this.#ask('times', { kind: 'open', pair }).then(({ times }) => times);
    this.times.catch(() => undefined);
  }

  async difference(frame: number, maxWidth: number): Promise<Difference> {
    return (await this.#ask('difference', { kind: 'difference', frame, maxWidth })).difference;
  }

  async fidelity(): Promise<Fidelity> {
    return (await this.#ask('fidelity', { kind: 'fidelity' })).fidelity;
  }

  close(): void {
    this.#worker.terminate();
    this.#failAll(cancelled());
  }

  #ask<Kind extends InspectionAnswer['kind']>(kind: Kind, body: Body<InspectionRequest>): Promise<AnswerOf<Kind>> {
    const requestId = this.#nextRequestId++;
    return new Promise((resolve, reject) => {
      this.#pending.set(requestId, {
        resolve: (answer) => {
          if (answer.kind === kind) resolve(answer as AnswerOf<Kind>);
          else reject(new RangeError(`expected ${kind}, the inspector answered ${answer.kind}`));
        },
        reject,
      });
      this.#worker.postMessage({ ...body, requestId } as InspectionRequest);
    });
  }

  #answer(answer: InspectionAnswer): void {
    const pending = this.#pending.get(answer.requestId);
    this.#pending.delete(answer.requestId);
    if (answer.kind === 'failed') pending?.reject(fromErrorData(answer.error));
    else pending?.resolve(answer);
  }

  #failAll(reason: EnhancerError): void {
    const pending = [...this.#pending.values()];
    this.#pending.clear();
    for (const { reject } of pending) reject(reason);
  }
}
