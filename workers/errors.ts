/**
 * Coded errors: what happened, and what the person can do about it.
 *
 * Every failure that a user can meet is an {@link EnhancerError} with a code from {@link ErrorCode}. Errors cross the worker
 * boundary as {@link ErrorData} (plain data), never as strings or class instances.
 */

export const ERROR_CODES = [
  'NOT_A_VIDEO',
  'EMPTY_FILE',
  'TRUNCATED',
  'NO_VIDEO_TRACK',
  'ENCRYPTED',
  'NO_FRAMES',
  'UNSUPPORTED_CODEC',
  'UNSUPPORTED_CONTAINER',
  'DECODE_FAILED',
  'ENCODE_FAILED',
  'NO_ENCODER',
  'NO_WEBCODECS',
  'SIZE_TOO_LARGE',
  'MEMORY_BUDGET',
  'QUOTA_EXCEEDED',
  'STORAGE_FAILED',
  'MODEL_MISSING',
  'MODEL_CORRUPT',
  'CHECKPOINT_INVALID',
  'DEVICE_LOST',
  'OUT_OF_GPU_MEMORY',
  'PROVIDER_UNAVAILABLE',
  'SETTINGS_INVALID',
  'SOURCE_CHANGED',
  'BUSY',
  'CANCELLED',
  'WORKER_FAILED',
  'INTERNAL',
] as const;

export type ErrorCode = (typeof ERROR_CODES)[number];

/** An error as data: what crosses the worker boundary. */
export interface ErrorData {
  readonly code: ErrorCode;
  /** One sentence: what happened. */
  readonly message: string;
  /** One sentence: what to do. */
  readonly hint: string;
  /** Technical cause for bug reports; never shown as the main text. */
  readonly detail?: string;
}

export class EnhancerError extends Error {
  override readonly name = 'EnhancerError';
  readonly code: ErrorCode;
  readonly hint: string;
  readonly detail: string | undefined;

  constructor(code: ErrorCode, message: string, hint: string, options: { cause?: unknown; detail?: string } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.hint = hint;
    this.detail = options.detail ?? (options.cause === undefined ? undefined : describe(options.cause));
  }

  toData(): ErrorData {
    const base = { code: this.code, message: this.message, hint: this.hint };
    return this.detail === undefined ? base : { ...base, detail: this.detail };
  }
}

/** Any thrown value as error data; unknown values become `INTERNAL`, aborts become `CANCELLED`. */
export function toErrorData(error: unknown): ErrorData {
  if (error instanceof EnhancerError) return error.toData();
  if (isAbort(error)) return cancelled().toData();
  // What browsers say when a file was changed or taken away behind a page's back.
  if (error instanceof Error && error.name === 'NotReadableError') return sourceUnreadable(error).toData();
  return {
    code: 'INTERNAL',
    message: 'Something went wrong inside the enhancer.',
    hint: 'Try again; if it happens again, copy the report and file a bug.',
    detail: describe(error),
  };
}

/** Error data as an {@link EnhancerError} again, on the far side of the worker boundary. */
export function fromErrorData(data: ErrorData): EnhancerError {
  return new EnhancerError(
    data.code,
    data.message,
    data.hint,
    data.detail === undefined ? {} : { detail: data.detail },
  );
}

export function cancelled(): EnhancerError {
  return new EnhancerError('CANCELLED', 'The job was cancelled.', 'Start it again whenever you like.');
}

/** The clip's file was changed, moved, taken away with its drive, or is no longer allowed, in the middle of work. */
export function sourceUnreadable(cause: unknown): EnhancerError {
  return new EnhancerError(
    'SOURCE_CHANGED',
    'The clip can no longer be read: it was changed, moved or deleted, or the browser took its permission back.',
    'Put it back as it was and choose it again; what is finished is kept.',
    { cause },
  );
}

/** Throws `CANCELLED` if the signal is aborted. */
export function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw signal.reason instanceof EnhancerError ? signal.reason : cancelled();
}

function isAbort(error: unknown): boolean {
  return error instanceof Error && error.name === 'AbortError';
}

function describe(error: unknown): string {
  return error instanceof Error ? `${error.name}: ${error.message}` : String(error);
}
