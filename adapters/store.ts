/**
 * The storage interface: bytes under keys. Adapters know nothing of tensors or checkpoints.
 *
 * A store never shows a half-written object, and `put` resolves when the object is durable as far as `caps().durable` says.
 */

/** Options of every call; an abort throws `signal.reason`. */
export interface StoreIO {
  signal?: AbortSignal;
}

/** What a store can promise; probed where a server may lie. */
export interface StoreCaps {
  /** `put(…, { ifAbsent: true })` is atomic between writers. */
  ifAbsent: boolean;
  /** A key may be a function that is called after the last chunk. */
  lateKey: boolean;
  /** `get` reads a range without reading the whole object. */
  range: boolean;
  list: boolean;
  /** What `put` resolved survives a crash of the process and of the machine. */
  durable: boolean;
  /** Largest object in bytes. */
  maxObject: number;
}

/**
 * A body of known size; `chunks()` can be called again, so that a put can be retried. A chunk stays as it is until the next one is
 * asked for.
 */
export interface StoreBody {
  size: number;
  chunks(): AsyncIterable<Uint8Array>;
}

/** Part of an object. */
export interface GetOptions extends StoreIO {
  offset?: number;
  length?: number;
  /** What came before was damaged: a store that keeps copies is to read these bytes anew. */
  fresh?: boolean;
  /** Memory that the caller will use again: a store that can puts the answer there, and gives a view of it. */
  into?: Uint8Array;
}

export interface Store {
  /** For messages: what and where, without credentials. */
  readonly name: string;
  caps(): Promise<StoreCaps>;
  head(key: string, o?: StoreIO): Promise<{ size: number } | null>;
  /** Exactly the bytes asked for, else E_RANGE; a missing key is E_NOT_FOUND. */
  get(key: string, o?: GetOptions): Promise<Uint8Array>;
  /** With `ifAbsent`, of writers with different bodies for one key one gets 'written', and the others 'exists'. */
  put(
    key: string | (() => string),
    body: Uint8Array | StoreBody,
    o?: StoreIO & { ifAbsent?: boolean },
  ): Promise<'written' | 'exists'>;
  /** Deleting what is not there is no error. */
  delete(key: string, o?: StoreIO): Promise<void>;
  /**
   * Keys under a prefix in ascending order of their UTF-8 bytes, from behind `after`. `modified` is when the object was
   * written, in milliseconds since 1970, where the store knows.
   */
  list(
    prefix: string,
    o?: StoreIO & { after?: string },
  ): AsyncIterable<{ key: string; size: number; modified?: number }>;
  close(): Promise<void>;
}
