/** Typed errors: each says which op or file, what was expected, what came, and (in `hint`) what to do next. */

const BRAND = Symbol.for('isobit.error');

export interface ErrorInfo {
  /** What the user can do about it. */
  hint?: string;
  /** Facts for programs: shapes, names, offsets. Never credentials. */
  details?: Readonly<Record<string, unknown>>;
  cause?: unknown;
}

/** Base of every error isobit throws, save aborts, which throw `signal.reason` unwrapped. */
export class IsobitError extends Error {
  readonly code: `E_${string}`;
  readonly hint: string;
  readonly details: Readonly<Record<string, unknown>>;
  constructor(code: `E_${string}`, message: string, info: ErrorInfo = {}) {
    super(message, info.cause === undefined ? undefined : { cause: info.cause });
    this.name = new.target.name;
    this.code = code;
    this.hint = info.hint ?? '';
    this.details = info.details ?? {};
    Object.defineProperty(this, BRAND, { value: true });
  }
}

/** Shapes that do not fit an op. */
export class ShapeError extends IsobitError {
  constructor(message: string, info?: ErrorInfo) {
    super('E_SHAPE', message, info);
  }
}

/** Dtypes that do not fit an op; nothing is promoted, so the hint names the cast. */
export class DTypeError extends IsobitError {
  constructor(message: string, info?: ErrorInfo) {
    super('E_DTYPE', message, info);
  }
}

/** An option that is unknown, out of range, or contradicts another. */
export class OptionError extends IsobitError {
  constructor(message: string, info?: ErrorInfo) {
    super('E_OPTION', message, info);
  }
}

/** Data from outside that cannot be used: NaN, a label out of range, an empty set, a malformed file. */
export class DataError extends IsobitError {
  constructor(message: string, info?: ErrorInfo & { code?: `E_${string}` }) {
    super(info?.code ?? 'E_DATA', message, info);
  }
}

/** A captured function did more than build and assign (E_IMPURE), or was used wrongly (E_CAPTURE). */
export class CaptureError extends IsobitError {
  constructor(code: 'E_IMPURE' | 'E_CAPTURE', message: string, info?: ErrorInfo) {
    super(code, message, info);
  }
}

/** A tensor or runtime was used after dispose(). */
export class DisposedError extends IsobitError {
  constructor(message: string, info?: ErrorInfo) {
    super('E_DISPOSED', message, info);
  }
}

/** A program gave Inf or NaN, or a gather index was out of range. */
export class NumericError extends IsobitError {
  constructor(message: string, info?: ErrorInfo) {
    super('E_NUMERIC', message, info);
  }
}

export class DeviceError extends IsobitError {
  constructor(
    code: 'E_NO_DEVICE' | 'E_UNQUALIFIED' | 'E_OOM' | 'E_DEVICE_LOST' | 'E_DEVICE',
    message: string,
    info?: ErrorInfo,
  ) {
    super(code, message, info);
  }
}

/** True for isobit's errors, also for those of another copy of this library (bundles and workers duplicate classes). */
export function isIsobitError(e: unknown): e is IsobitError {
  return typeof e === 'object' && e !== null && (e as Record<symbol, unknown>)[BRAND] === true;
}

/** Where and how a checkpoint or a store went wrong. Codes are listed in docs/checkpoint.md. */
export class CheckpointError extends IsobitError {
  readonly path: string | undefined;
  readonly tensor: string | undefined;
  readonly offset: number | undefined;
  readonly expected: unknown;
  readonly actual: unknown;
  /** True where the same call may succeed later (a busy server, a lost connection). */
  readonly retryable: boolean;
  constructor(
    code: `E_${string}`,
    message: string,
    info: ErrorInfo & {
      path?: string;
      tensor?: string;
      offset?: number;
      expected?: unknown;
      actual?: unknown;
      retryable?: boolean;
    } = {},
  ) {
    super(code, message, info);
    this.path = info.path;
    this.tensor = info.tensor;
    this.offset = info.offset;
    this.expected = info.expected;
    this.actual = info.actual;
    this.retryable = info.retryable ?? false;
  }
}
