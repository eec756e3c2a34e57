/**
 * What the page and its workers hold in JavaScript's heaps after a collection, read over the DevTools protocol, onnxruntime's threads
 * included (a page that asks for itself never hears of those). One that doesn't answer within seconds is left out.
 */

import type { CDPSession } from '@playwright/test';

const PATIENCE_MS = 3000;

/** Of one page or worker, in bytes. */
export interface HeapUse {
  readonly name: string;
  /** Objects. */
  readonly objects: number;
  /** What stands behind ArrayBuffers, WebAssembly's memory aside where it is shared. */
  readonly buffers: number;
  /** The browser's own objects that a script holds. */
  readonly embedder: number;
}

interface Answer {
  readonly id: number;
  readonly result?: Result;
  readonly method?: string;
  readonly params?: unknown;
}

interface Attached {
  readonly sessionId: string;
  readonly targetInfo: { readonly url: string; readonly title: string };
}

interface Result {
  readonly usedSize?: number;
  readonly backingStorageSize?: number;
  readonly embedderHeapUsedSize?: number;
}

type Send = (method: string, params?: object) => Promise<Result | null>;

export class RetainedHeap {
  readonly #targets = new Map<string, { name: string; send: Send }>();

  static async of(session: CDPSession): Promise<RetainedHeap> {
    const heap = new RetainedHeap();
    const page: Send = (method, params) => (session.send as (...args: unknown[]) => Promise<Result>)(method, params);
    heap.#targets.set('page', { name: 'page', send: page });
    const receive = heap.#children('page', page);
    session.on('Target.attachedToTarget', (params) => receive('Target.attachedToTarget', params));
    session.on('Target.detachedFromTarget', (params) => receive('Target.detachedFromTarget', params));
    session.on('Target.receivedMessageFromTarget', (params) => receive('Target.receivedMessageFromTarget', params));
    await page('Target.setAutoAttach', AUTO_ATTACH);
    return heap;
  }

  /** Of each, after a collection. */
  async measure(): Promise<HeapUse[]> {
    const all = await Promise.all(
      [...this.#targets.values()].map(async ({ name, send }) => {
        await send('HeapProfiler.collectGarbage');
        const use = await send('Runtime.getHeapUsage');
        if (!use) return null;
        const { usedSize: objects = 0, backingStorageSize: buffers = 0, embedderHeapUsedSize: embedder = 0 } = use;
        return { name, objects, buffers, embedder };
      }),
    );
    return all.filter((each) => each !== null);
  }

  /** A target's workers: messages to and from them go through it. */
  #children(parent: string, through: Send): (method: string, params: unknown) => void {
    const waiting = new Map<string, (answer: Answer) => void>();
    const receivers = new Map<string, (method: string, params: unknown) => void>();
    let nextId = 1;
    return (method, params) => {
      if (method === 'Target.attachedToTarget') {
        const { sessionId, targetInfo } = params as Attached;
        const send: Send = (each, given = {}) => {
          const id = nextId++;
          const message = JSON.stringify({ id, method: each, params: given });
          return new Promise((resolve) => {
            const key = `${sessionId} ${id}`;
            const timer = setTimeout(() => {
              waiting.delete(key);
              resolve(null);
            }, PATIENCE_MS);
            waiting.set(key, ({ result }) => {
              clearTimeout(timer);
              resolve(result ?? null);
            });
            through('Target.sendMessageToTarget', { sessionId, message }).catch(() => resolve(null));
          });
        };
        const name = `${parent} > ${targetInfo.title || targetInfo.url.split('/').at(-1)}`;
        this.#targets.set(sessionId, { name, send });
        receivers.set(sessionId, this.#children(name, send));
        void send('Target.setAutoAttach', AUTO_ATTACH);
      } else if (method === 'Target.detachedFromTarget') {
        this.#targets.delete((params as Attached).sessionId);
      } else if (method === 'Target.receivedMessageFromTarget') {
        const { sessionId, message } = params as { sessionId: string; message: string };
        const answer = JSON.parse(message) as Answer;
        if (answer.method !== undefined) receivers.get(sessionId)?.(answer.method, answer.params);
        else {
          waiting.get(`${sessionId} ${answer.id}`)?.(answer);
          waiting.delete(`${sessionId} ${answer.id}`);
        }
      }
    };
  }
}

const AUTO_ATTACH = { autoAttach: true, waitForDebuggerOnStart: false, flatten: false };
