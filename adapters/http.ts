/** One HTTP exchange: retries of what may succeed later, typed errors, and no credentials in any of them. */

import { CheckpointError, OptionError } from '../sdk/core/errors.ts';

type Fields = Readonly<Record<string, string>>;

/** What a signature is made of. */
export interface HttpRequest {
  method: string;
  url: URL;
  headers: Fields;
  body?: Blob | ReadableStream<Uint8Array>;
}

export type HeaderSource = Fields | ((request: HttpRequest) => Fields | Promise<Fields>);

export interface HttpOptions {
  /**
   * Sent with every request, such as `authorization`. A function is asked each time, for tokens that expire, and told the
   * request, for signatures of it.
   */
  headers?: HeaderSource;
  /** Replaces the platform's fetch. */
  fetch?: typeof globalThis.fetch;
  /** Attempts in all, and the longest first pause in milliseconds, which doubles each time. 5 and 250 unless given. */
  retry?: { attempts?: number; ms?: number };
}

/** What a kind of server adds. */
export interface Http extends HttpOptions {
  /** The kind of a fault, where headers or the body of the answer say more than its status. */
  explain?: (response: Response) => Promise<Partial<Kind> | undefined>;
  /** False: a read that is sent elsewhere is a fault too. */
  follow?: boolean;
}

export interface Ask {
  method: 'GET' | 'HEAD' | 'PUT' | 'DELETE' | 'POST' | 'MKCOL';
  url: URL;
  /** The place, for messages. */
  path: string;
  headers?: Fields;
  body?: Blob | ReadableStream<Uint8Array>;
  signal?: AbortSignal;
}

/** The longest pause in milliseconds, also where a server asks for a longer one. */
const LONGEST = 30_000;

const DOING = { GET: 'read', HEAD: 'read', PUT: 'write', POST: 'write', MKCOL: 'write', DELETE: 'delete' } as const;

/**
 * Runs `work` again while it throws errors that are retryable. Pauses are random, so that clients which failed together
 * do not come back together.
 */
export async function retrying<T>(o: HttpOptions, signal: AbortSignal | undefined, work: () => Promise<T>): Promise<T> {
  const { attempts = 5, ms = 250 } = o.retry ?? {};
  for (let n = 1; ; n++) {
    try {
      return await work();
    } catch (e) {
      if (!(e instanceof CheckpointError) || !e.retryable || n >= attempts) throw e;
      const asked = Number(e.details.retryAfter ?? 0) * 1000;
      await pause(Math.min(LONGEST, Math.max(asked, Math.random() * ms * 2 ** (n - 1))), signal);
    }
  }
}

function pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = () => {
      clearTimeout(timer);
      reject(signal?.reason);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', stop);
      resolve();
    }, ms);
    if (signal?.aborted) stop();
    else signal?.addEventListener('abort', stop);
  });
}

/** Sends one request. Any status is an answer; E_IO, which may be retried, is a server that gave none. */
export async function send(o: Http, { method, url, path, headers = {}, body, signal }: Ask): Promise<Response> {
  const given = typeof o.headers === 'function' ? await o.headers({ method, url, headers, body }) : o.headers;
  const all = headersOf(path, { 'accept-encoding': 'identity', ...given, ...headers });
  signal?.throwIfAborted();
  const { fetch = globalThis.fetch } = o;
  const streamed = body !== undefined && !(body instanceof Blob);
  try {
    return await fetch(url, {
      method,
      headers: all,
      body,
      signal,
      // A redirected write may end as something else, such as a page to sign in on that answers 200.
      redirect: o.follow !== false && (method === 'GET' || method === 'HEAD') ? 'follow' : 'manual',
      ...(streamed && { duplex: 'half', ...(isNode() && { redirect: 'error', window: null }) }),
      // An answer from the browser's cache may be older than the last commit. Some runtimes have no cache and no option.
      ...('cache' in Request.prototype && { cache: 'no-store' }),
    });
  } catch (e) {
    signal?.throwIfAborted();
    if (streamed && isNode() && (e as Error).cause instanceof Error && /redirect/.test(String((e as Error).cause))) {
      throw moved(method, path);
    }
    throw lost(path, DOING[method], e);
  }
}

/** Node's fetch keeps a copy of every streamed body, unless nothing could ask for it again: no redirect, no window. */
function isNode(): boolean {
  const { process, Bun, Deno } = globalThis as {
    process?: { versions?: { node?: string } };
    Bun?: object;
    Deno?: object;
  };
  return process?.versions?.node !== undefined && !Bun && !Deno;
}

/** The bytes of an answer as they come. A connection that breaks is E_IO, which may be retried. */
export async function* bytesOf(response: Response, ask: Ask): AsyncGenerator<Uint8Array> {
  const reader = response.body?.getReader();
  if (!reader) return;
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      yield value;
    }
  } catch (e) {
    ask.signal?.throwIfAborted();
    throw lost(ask.path, DOING[ask.method], e);
  } finally {
    reader.cancel().catch(() => {}); // the rest is not wanted
  }
}

/** For answers whose body nobody reads: gives the connection back. */
export async function drop(response: Response): Promise<void> {
  await response.body?.cancel().catch(() => {});
}

/**
 * The message of a header's fault would hold its value, and the fault of a connection may hold what was sent on it. So
 * neither is passed on as `cause`.
 */
function headersOf(path: string, given: Fields): Headers {
  const headers = new Headers();
  for (const [name, value] of Object.entries(given)) {
    try {
      headers.set(name, value);
    } catch {
      throw new OptionError(`${path}: the header '${name}' cannot be sent`, {
        hint: 'a header is one line of Latin-1 text',
      });
    }
  }
  return headers;
}

function lost(path: string, verb: string, e: unknown): CheckpointError {
  const { cause } = e as { cause?: { code?: unknown } };
  const code = typeof cause?.code === 'string' ? ` (${cause.code})` : '';
  return new CheckpointError('E_IO', `cannot ${verb} ${path}: the connection failed${code}`, {
    path,
    hint: 'check the address and the network; between two origins, that the server allows this one (CORS)',
    retryable: true,
  });
}

/** What a fault is. */
export interface Kind {
  code: `E_${string}`;
  why: string;
  hint: string;
  retryable?: boolean;
}

const PERMISSION: Kind = {
  code: 'E_PERMISSION',
  why: 'the server does not allow it',
  hint: 'check the credentials in `headers`, and what they permit',
};
const METHOD: Kind = {
  code: 'E_UNSUPPORTED',
  why: 'the server does not take such requests',
  hint: 'use a server that takes PUT and DELETE, or only read',
};
const QUOTA: Kind = { code: 'E_QUOTA', why: 'the server has no room', hint: 'free some space there' };
const SIZE: Kind = { code: 'E_LIMIT', why: 'too large for the server', hint: "raise the server's limit of a body" };

const KINDS: Readonly<Record<number, Kind>> = {
  401: PERMISSION,
  403: PERMISSION,
  404: { code: 'E_NOT_FOUND', why: 'there is no such place', hint: 'check the address of the store' },
  405: METHOD,
  413: SIZE,
  501: METHOD,
  507: QUOTA,
};

/** 409: on S3, two conditional writes at once, of which one is to come again. */
const RETRY: ReadonlySet<number> = /* @__PURE__ */ new Set([408, 409, 425, 429, 500, 502, 503, 504]);

/** A typed error for an answer that is none. Its body is not quoted: servers echo requests. */
export async function faultOf(o: Http, response: Response, { method, path }: Ask): Promise<CheckpointError> {
  const { status } = response;
  const told = await o.explain?.(response);
  await drop(response);
  if (!told && (response.type === 'opaqueredirect' || (status >= 300 && status < 400)))
    return moved(method, path, status);
  const plain = KINDS[status] ?? { code: 'E_IO', why: 'the server failed', hint: 'look at its log, then try again' };
  const { code, why, hint, retryable } = { ...plain, retryable: RETRY.has(status), ...told };
  const after = Number(response.headers.get('retry-after') ?? Number.NaN);
  return new CheckpointError(code, `cannot ${DOING[method]} ${path}: ${why} (status ${status})`, {
    path,
    hint,
    retryable,
    details: { status, ...(Number.isFinite(after) && { retryAfter: after }) },
  });
}

/** The status is not told where the platform keeps it back. */
function moved(method: Ask['method'], path: string, status?: number): CheckpointError {
  const told = status === undefined ? '' : ` (status ${status})`;
  return new CheckpointError(
    'E_UNSUPPORTED',
    `cannot ${DOING[method]} ${path}: the server sends writes elsewhere${told}`,
    {
      path,
      hint: 'give the address of that place',
      details: status === undefined ? {} : { status },
    },
  );
}
