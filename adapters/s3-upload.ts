/** Large bodies in parts (multipart upload): what is not complete is not visible, and is cleared away. */

import { CheckpointError } from '../sdk/core/errors.ts';
import { type Ask, bytesOf, drop, faultOf, type Kind, retrying, send } from './http.ts';
import type { Upload } from './http-body.ts';
import { askOf, type Dialect, unsupported } from './http-dialect.ts';
import { HINT, PROBE, PROBE_TEXT } from './http-probe.ts';
import { sizeOf } from './http-read.ts';
import { errorIn } from './s3-error.ts';
import { checksumOf, withQuery } from './s3-sign.ts';
import { childOf, type Element, escapeXml, parseXml, textOf } from './s3-xml.ts';
import type { StoreIO } from './store.ts';

const MIB = 2 ** 20;
/** The most parts that S3 takes; all but the last have one size, which R2 wants. */
const PARTS = 10_000;
/** Uploads that began longer ago are nobody's. */
const STALE_MS = 24 * 60 * 60 * 1000;

interface Part {
  readonly etag: string;
  readonly checksum?: string;
}

/** 'again': another write came between, and all parts are to be sent anew. */
type Outcome = 'written' | 'there' | 'again';

export interface MultipartOptions {
  readonly partSize: number;
  readonly checksums: boolean;
  /** The bucket with a query. */
  readonly bucket: (query: Record<string, string>) => URL;
  /** What stands before every key. */
  readonly prefix: string;
}

export function multipart(d: Dialect, o: MultipartOptions): NonNullable<Dialect['large']> {
  let swept: Promise<void> | undefined;
  let obeys: Promise<boolean> | undefined;

  function at(method: Ask['method'], key: string, query: Record<string, string>, io: StoreIO): Ask {
    const ask = askOf(d, method, key, io);
    return { ...ask, url: withQuery(ask.url, query) };
  }

  async function text(response: Response, ask: Ask): Promise<string> {
    let out = '';
    const decoder = new TextDecoder();
    for await (const chunk of bytesOf(response, ask)) {
      out += decoder.decode(chunk, { stream: true });
      if (out.length > MIB) throw unreadable(ask.path);
    }
    return out;
  }

  function begin(key: string, io: StoreIO): Promise<string> {
    const headers: Record<string, string> = o.checksums ? { 'x-amz-checksum-algorithm': 'SHA256' } : {};
    return retrying(d.http, io.signal, async () => {
      const ask = { ...at('POST', key, { uploads: '' }, io), headers };
      const response = await send(d.http, ask);
      if (response.status !== 200) throw await faultOf(d.http, response, ask);
      const id = textOf(parseXml(await text(response, ask)), 'UploadId');
      if (!id) throw unreadable(ask.path);
      return id;
    });
  }

  async function sendPart(key: string, id: string, n: number, bytes: Uint8Array, io: StoreIO): Promise<Part> {
    const body = new Blob([bytes as Uint8Array<ArrayBuffer>]);
    const checksum = o.checksums ? await checksumOf(body) : undefined;
    const etag = await retrying(d.http, io.signal, async () => {
      const ask = { ...at('PUT', key, { partNumber: String(n), uploadId: id }, io), body };
      const response = await send(d.http, ask);
      if (response.status !== 200) throw await faultOf(d.http, response, ask);
      await drop(response);
      return response.headers.get('etag');
    });
    if (etag) return { etag, checksum };
    throw unsupported(`${d.name}/${key}`, 'the answer to a part has no ETag', 'let CORS of the bucket expose ETag');
  }

  function complete(key: string, id: string, parts: readonly Part[], ifAbsent: boolean, io: StoreIO): Promise<Outcome> {
    const rows = parts.map(({ etag, checksum }, i) => {
      const sum = checksum ? `<ChecksumSHA256>${checksum}</ChecksumSHA256>` : '';
      return `<Part><PartNumber>${i + 1}</PartNumber><ETag>${escapeXml(etag)}</ETag>${sum}</Part>`;
    });
    const xml = `<CompleteMultipartUpload xmlns="http://s3.amazonaws.com/doc/2006-03-01/">${rows.join('')}</CompleteMultipartUpload>`;
    const body = new Blob([xml], { type: 'application/xml' });
    const headers: Record<string, string> = ifAbsent ? { 'if-none-match': '*' } : {};
    return retrying(d.http, io.signal, async () => {
      const ask = { ...at('POST', key, { uploadId: id }, io), headers, body };
      const response = await send(d.http, ask);
      const { status } = response;
      if (status === 200) {
        // It begins to answer before it has done anything, so that a fault comes in the body.
        const fault = errorIn(await text(response, ask));
        if (fault) throw late(ask.path, fault);
        return 'written';
      }
      if (status !== 412 && status !== 409 && status !== 404) throw await faultOf(d.http, response, ask);
      await drop(response);
      // An upload that is gone may have been completed, and the answer lost.
      const there =
        status === 412 || (ifAbsent && status === 404 && (await sizeOf(d.http, askOf(d, 'GET', key, io))) !== null);
      return there ? 'there' : 'again';
    });
  }

  /** Best effort, also after an abort of the caller. */
  async function abort(key: string, id: string): Promise<void> {
    await send(d.http, at('DELETE', key, { uploadId: id }, {})).then(drop, () => {});
  }

  async function once(
    key: string,
    pieces: AsyncIterable<Uint8Array>,
    ifAbsent: boolean,
    io: StoreIO,
  ): Promise<Outcome> {
    const id = await begin(key, io);
    let outcome: Outcome | undefined;
    try {
      const parts: Part[] = [];
      for await (const piece of pieces) parts.push(await sendPart(key, id, parts.length + 1, piece, io));
      outcome = await complete(key, id, parts, ifAbsent, io);
      return outcome;
    } finally {
      if (outcome !== 'written') await abort(key, id);
    }
  }

  /** Whether conditions hold for uploads in parts too: the probe is there, so that this one must be refused. */
  async function triesCondition(io: StoreIO): Promise<boolean> {
    const bytes = new TextEncoder().encode(PROBE_TEXT);
    const pieces = async function* () {
      yield bytes;
    };
    return (await once(PROBE, pieces(), true, io)) === 'there';
  }

  /** Ends uploads of writers that were killed. Whoever may not list them need not. */
  async function sweep(): Promise<void> {
    try {
      const url = o.bucket({ uploads: '', prefix: o.prefix });
      const ask: Ask = { method: 'GET', url, path: d.name };
      const response = await send(d.http, ask);
      if (response.status !== 200) return await drop(response);
      const root = parseXml(await text(response, ask));
      const uploads: readonly Element[] = root?.children.filter((e) => e.name === 'Upload') ?? [];
      for (const e of uploads) {
        const [key, id, begun] = ['Key', 'UploadId', 'Initiated'].map((name) => childOf(e, name)?.text ?? '');
        if (!key.startsWith(o.prefix) || !id || !(Date.now() - Date.parse(begun) > STALE_MS)) continue;
        await abort(key.slice(o.prefix.length), id);
      }
    } catch {
      // another time
    }
  }

  return {
    over: o.partSize,

    async put(key, upload: Upload, ifAbsent, io) {
      swept ??= sweep();
      await swept;
      if (ifAbsent && !d.oneWriter) {
        if ((await sizeOf(d.http, askOf(d, 'GET', key, io))) !== null) return 'there';
        obeys ??= triesCondition(io).catch((e) => {
          obeys = undefined;
          throw e;
        });
        if (!(await obeys)) throw unsupported(d.name, 'the server ignores If-None-Match on uploads in parts', HINT);
      }
      const size = Math.max(o.partSize, Math.ceil(upload.size / PARTS / MIB) * MIB);
      const { attempts = 5 } = d.http.retry ?? {};
      for (let n = 0; n < attempts; n++) {
        const outcome = await once(key, upload.pieces(size), ifAbsent, io);
        if (outcome !== 'again') return outcome;
      }
      throw new CheckpointError('E_IO', `cannot write ${d.name}/${key}: other writes came between each time`, {
        path: `${d.name}/${key}`,
        hint: 'let one writer write it',
        retryable: true,
      });
    },
  };
}

const unreadable = (path: string): CheckpointError =>
  new CheckpointError('E_IO', `cannot write ${path}: the server's answer is not S3's`, {
    path,
    hint: 'check `endpoint`',
  });

function late(
  path: string,
  { code = 'E_IO', why = 'the server failed', hint, retryable }: Partial<Kind>,
): CheckpointError {
  return new CheckpointError(code, `cannot write ${path}: ${why}`, {
    path,
    hint: hint ?? 'try again',
    retryable: retryable ?? false,
  });
}
