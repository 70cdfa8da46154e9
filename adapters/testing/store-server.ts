/**
 * A store served over HTTP as the first lines of fetch.ts ask, on Node alone; and servers that fall short of it in the
 * ways of real ones.
 */

import { createHash } from 'node:crypto';
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import type { Store } from '../store.ts';
import type { ServerOptions } from './store-kinds.ts';

export interface Answer {
  status: number;
  headers: Record<string, string>;
  body: Uint8Array;
}

/** What a request says, for tests that look at it. */
export interface Seen {
  method: string;
  url: string;
  headers: IncomingMessage['headers'];
}

/** Answers requests below '/'. `seen` gathers them. */
export function storeHandler(store: Store, o: ServerOptions = {}, seen: Seen[] = []): RequestListener {
  let count = 0;
  return async (request, response) => {
    const { method = '', url = '', headers } = request;
    const cors: Record<string, string> = o.cors
      ? {
          'access-control-allow-origin': '*',
          'access-control-allow-methods': 'GET, HEAD, PUT, DELETE',
          'access-control-allow-headers': 'authorization, content-type, if-none-match',
          'access-control-expose-headers': 'content-range, etag',
        }
      : {};
    if (o.cors && method === 'OPTIONS') return void response.writeHead(204, cors).end();
    seen.push({ method, url, headers });
    const fault = o.fault?.(request, count++);
    if (fault === 'drop') return void request.socket.destroy();
    if (typeof fault === 'object') {
      request.resume();
      return void response.writeHead(fault.status, { ...cors, ...fault.headers }).end('no');
    }
    if (o.authorization && headers.authorization !== o.authorization) {
      request.resume();
      return void response.writeHead(401, cors).end(`not allowed: ${JSON.stringify(headers)}`);
    }
    let answer: Answer;
    try {
      answer = await answerOf(store, o, request);
    } catch (e) {
      const { code = '' } = e as { code?: string };
      answer = text(code === 'E_OPTION' ? 400 : code === 'E_NOT_FOUND' ? 404 : 500, code);
    }
    if (fault === 'lose') return void request.socket.destroy();
    write(response, { ...answer, headers: { ...answer.headers, ...cors } }, method, o, fault);
  };
}

/** Stores that are made empty when they are first asked for, one for each name: `/<kind>/<name>/…`. */
export function manyStores(make: () => Store, kinds: Readonly<Record<string, ServerOptions>>): RequestListener {
  const handlers = new Map<string, RequestListener>();
  return (request, response) => {
    const [, kind, name] = (request.url ?? '').split('/');
    const id = `/${kind}/${name}`;
    if (!handlers.has(id)) handlers.set(id, storeHandler(make(), kinds[decodeURIComponent(kind)]));
    request.url = (request.url ?? '').slice(id.length);
    handlers.get(id)?.(request, response);
  };
}

export const text = (status: number, body: string): Answer => ({
  status,
  headers: { 'content-type': 'text/plain' },
  body: new TextEncoder().encode(body),
});

async function answerOf(store: Store, o: ServerOptions, request: IncomingMessage): Promise<Answer> {
  const { pathname, searchParams } = new URL(request.url ?? '', 'http://x');
  const key = decodeURIComponent(pathname.slice(1));
  const { method, headers } = request;
  if (method === 'GET' || method === 'HEAD') {
    if (key === '') return listing(store, o, searchParams);
    return objectOf(await store.get(key), headers.range, o);
  }
  if (method === 'PUT') {
    const said = headers['content-length'];
    // A body that is cut short throws, and nothing is published.
    const body = said === undefined ? await bodyOf(request) : { size: Number(said), chunks: () => request };
    const ifAbsent = headers['if-none-match'] === '*' && o.conditions !== false;
    const was = await store.head(key);
    const early = o.conditions === 'early';
    if (early && ifAbsent && was) return text(412, '');
    const done = await store.put(key, body, { ifAbsent: ifAbsent && !early });
    return text(done === 'exists' ? 412 : was ? 204 : 201, '');
  }
  if (method === 'DELETE') {
    if ((await store.head(key)) === null) return text(404, 'not there');
    await store.delete(key);
    return text(204, '');
  }
  return text(405, 'no such method');
}

export async function bodyOf(request: IncomingMessage): Promise<Uint8Array> {
  const parts: Buffer[] = [];
  for await (const part of request) parts.push(part as Buffer);
  return new Uint8Array(Buffer.concat(parts));
}

export function objectOf(bytes: Uint8Array, range: string | undefined, o: ServerOptions): Answer {
  const headers: Record<string, string> = { 'content-type': 'application/octet-stream' };
  if (o.etags !== false) headers.etag = `"${createHash('sha256').update(bytes).digest('hex').slice(0, 16)}"`;
  const m = o.ranges === false ? null : /^bytes=(\d+)-(\d*)$/.exec(range ?? '');
  if (!m) return { status: 200, headers, body: bytes };
  const from = Number(m[1]);
  let to = Math.min(m[2] === '' ? Number.POSITIVE_INFINITY : Number(m[2]), bytes.length - 1);
  if (from > to)
    return {
      status: 416,
      headers: { ...headers, 'content-range': `bytes */${bytes.length}` },
      body: new Uint8Array(0),
    };
  if (o.slice) to = Math.min(to, from + o.slice - 1);
  headers['content-range'] = `bytes ${from}-${to}/${bytes.length}`;
  return { status: 206, headers, body: bytes.subarray(from, to + 1) };
}

async function listing(store: Store, o: ServerOptions, query: URLSearchParams): Promise<Answer> {
  const prefix = query.get('list');
  if (prefix === null || o.lists === false) return text(200, '<!doctype html><title>Index of /</title>');
  const after = query.get('after') ?? undefined;
  const entries: object[] = [];
  let more = false;
  for await (const entry of store.list(prefix, { after })) {
    more = entries.length === (o.page ?? 1000);
    if (more) break;
    entries.push(entry);
  }
  const body = new TextEncoder().encode(JSON.stringify({ isobit: 'list/1', entries, more }));
  return { status: 200, headers: { 'content-type': 'application/json' }, body };
}

export function write(
  response: ServerResponse,
  { status, headers, body }: Answer,
  method: string,
  o: ServerOptions,
  fault: 'truncate' | 'mute' | 'slow' | undefined,
): void {
  const length = o.lengths === false || status === 204 ? {} : { 'content-length': String(body.length) };
  if (method === 'HEAD' || status === 204) return void response.writeHead(status, { ...headers, ...length }).end();
  const half = body.subarray(0, Math.floor(body.length / 2));
  if (fault === 'mute') {
    response.writeHead(status, {
      ...headers,
      ...(o.lengths === false ? {} : { 'content-length': String(half.length) }),
    });
    return void response.end(half);
  }
  response.writeHead(status, { ...headers, ...length });
  if (fault === 'slow') {
    response.write(half);
    return void setTimeout(() => response.end(body.subarray(half.length)), 60);
  }
  if (fault !== 'truncate') return void response.end(body);
  response.write(half, () => response.socket?.destroy());
}
