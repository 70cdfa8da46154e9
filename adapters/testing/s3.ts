/** S3 for tests: moto's, in Python; and a strict one of our own, which checks what it is sent and fails when it is told to. */

import { spawn } from 'node:child_process';
import { createHash, createHmac } from 'node:crypto';
import { existsSync } from 'node:fs';
import type { IncomingMessage, RequestListener } from 'node:http';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { S3Credentials } from '../s3.ts';
import type { Store } from '../store.ts';
import type { Fault } from './store-kinds.ts';
import { type Answer, bodyOf, objectOf, type Seen, text, write } from './store-server.ts';

const HERE = (path: string) => fileURLToPath(new URL(path, import.meta.url));

export interface Moto extends AsyncDisposable {
  readonly endpoint: string;
  readonly user: S3Credentials;
  /** Temporary credentials. */
  readonly role: S3Credentials;
}

/** moto's server, which checks signatures by botocore's code and obeys conditions; or why there is none. */
export async function startMoto(): Promise<Moto | string> {
  const python = HERE('../../.venv/bin/python');
  if (!existsSync(python)) return 'there is no .venv: npm test makes it';
  const child = spawn(python, [HERE('s3-server.py')], { stdio: ['ignore', 'pipe', 'pipe'] });
  let said = '';
  child.stderr.on('data', (d) => {
    said = (said + d).slice(-4000);
  });
  const line = await new Promise<string>((resolve, reject) => {
    createInterface(child.stdout).once('line', resolve);
    child.once('exit', () => reject(new Error(`moto did not start: ${said}`)));
  });
  const { port, user, role } = JSON.parse(line);
  const stop = () => child.kill();
  process.once('exit', stop);
  return {
    endpoint: `http://127.0.0.1:${port}`,
    user,
    role,
    async [Symbol.asyncDispose]() {
      process.off('exit', stop);
      const ended = new Promise((r) => child.once('exit', r));
      stop();
      await ended;
    },
  };
}

export interface FakeOptions {
  credentials: S3Credentials;
  bucket?: string;
  region?: string;
  /** The most entries of a listing. */
  page?: number;
  fault?: (request: { method: string; url: string }, count: number) => Fault | undefined;
  /** False: conditions on uploads in parts are ignored. */
  conditionalParts?: boolean;
  /** When uploads in parts began; now unless given. */
  now?: () => number;
}

const sha256 = (data: Uint8Array | string) => createHash('sha256').update(data).digest();
const hmac = (key: Uint8Array | string, data: string) => createHmac('sha256', key).update(data).digest();
const strict = (s: string) =>
  encodeURIComponent(s).replace(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`);

/** The signature by the letter of Amazon's page, from what came over the wire. */
export function signatureOf(
  { method, url, headers }: Seen,
  { secretAccessKey }: S3Credentials,
): { signature: string; scope: string } {
  const said = /^AWS4-HMAC-SHA256 Credential=([^/]+)\/([^,]+), SignedHeaders=([^,]+), Signature=\w+$/.exec(
    headers.authorization ?? '',
  );
  if (!said) throw new Error('no signature');
  const [, , scope, names] = said;
  const [path, query = ''] = url.split('?');
  const canonicalQuery = query
    .split('&')
    .filter((p) => p !== '')
    .map((p) => p.split('=').map((s) => strict(decodeURIComponent(s))))
    .map(([k, v = '']) => `${k}=${v}`)
    .sort()
    .join('&');
  const canonical = [
    method,
    path
      .split('/')
      .map((s) => strict(decodeURIComponent(s)))
      .join('/'),
    canonicalQuery,
    ...names.split(';').map((n) => `${n}:${String(headers[n]).trim().replace(/ +/g, ' ')}`),
    '',
    names,
    headers['x-amz-content-sha256'],
  ].join('\n');
  const toSign = ['AWS4-HMAC-SHA256', headers['x-amz-date'], scope, sha256(canonical).toString('hex')].join('\n');
  const key = scope.split('/').reduce<Uint8Array | string>((k, part) => hmac(k, part), `AWS4${secretAccessKey}`);
  return { signature: hmac(key, toSign).toString('hex'), scope };
}

const xml = (status: number, body: string): Answer => ({
  ...text(status, body),
  headers: { 'content-type': 'application/xml' },
});
const error = (status: number, code: string): Answer =>
  xml(
    status,
    `<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>${code}</Code><Message>no &amp; no</Message></Error>`,
  );
const escaped = (s: string) => s.replace(/[&<>]/g, (c) => `&#${c.charCodeAt(0)};`);

interface Pending {
  key: string;
  begun: number;
  parts: Map<number, { bytes: Uint8Array; etag: string }>;
}

/** One bucket over a store. `seen` gathers requests, `uploads` what is not complete. */
export function s3Handler(
  store: Store,
  o: FakeOptions,
  seen: Seen[] = [],
  uploads = new Map<string, Pending>(),
): RequestListener {
  let count = 0;
  let made = 0;
  const { bucket = 'models', credentials } = o;

  /** What is wrong with a request, by its head and its body. */
  function refusal(request: IncomingMessage, body: Uint8Array): Answer | null {
    const { method = '', url = '', headers } = request;
    let signed: ReturnType<typeof signatureOf>;
    try {
      signed = signatureOf({ method, url, headers }, credentials);
    } catch {
      return error(403, 'AccessDenied');
    }
    const said = headers.authorization ?? '';
    if (!said.includes(`Credential=${credentials.accessKeyId}/`)) return error(403, 'InvalidAccessKeyId');
    if (signed.scope.split('/')[1] !== (o.region ?? 'us-east-1')) return error(400, 'AuthorizationHeaderMalformed');
    if (headers['x-amz-security-token'] !== credentials.sessionToken) return error(400, 'InvalidToken');
    if (!said.endsWith(`Signature=${signed.signature}`)) return error(403, 'SignatureDoesNotMatch');
    for (const name of ['if-none-match', 'x-amz-date', 'x-amz-checksum-sha256', 'x-amz-security-token']) {
      if (headers[name] !== undefined && !said.includes(name)) return error(403, 'AccessDenied');
    }
    const digest = sha256(body);
    if (headers['x-amz-content-sha256'] !== digest.toString('hex')) return error(400, 'XAmzContentSHA256Mismatch');
    const sum = headers['x-amz-checksum-sha256'];
    if (sum !== undefined && sum !== digest.toString('base64')) return error(400, 'BadDigest');
    return null;
  }

  async function listing(query: URLSearchParams): Promise<Answer> {
    if (query.has('uploads')) {
      const rows = [...uploads].map(
        ([id, { key, begun }]) =>
          `<Upload><Key>${escaped(key)}</Key><UploadId>${id}</UploadId><Initiated>${new Date(begun).toISOString()}</Initiated></Upload>`,
      );
      return xml(200, `<ListMultipartUploadsResult>${rows.join('')}</ListMultipartUploadsResult>`);
    }
    if (query.get('list-type') !== '2') return error(400, 'InvalidArgument');
    const token = query.get('continuation-token');
    const after = token === null ? (query.get('start-after') ?? undefined) : Buffer.from(token, 'hex').toString();
    const rows: string[] = [];
    let last = '';
    let more = false;
    for await (const { key, size, modified = 0 } of store.list(query.get('prefix') ?? '', { after })) {
      more = rows.length === (o.page ?? 1000);
      if (more) break;
      last = key;
      rows.push(
        `<Contents><Key>${escaped(key)}</Key><LastModified>${new Date(modified).toISOString()}</LastModified><Size>${size}</Size></Contents>`,
      );
    }
    const next = more ? `<NextContinuationToken>${Buffer.from(last).toString('hex')}</NextContinuationToken>` : '';
    return xml(
      200,
      `<?xml version="1.0"?><ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><IsTruncated>${more}</IsTruncated>${next}${rows.join('')}</ListBucketResult>`,
    );
  }

  async function multipart(
    request: IncomingMessage,
    key: string,
    query: URLSearchParams,
    body: Uint8Array,
  ): Promise<Answer> {
    const { method, headers } = request;
    if (query.has('uploads')) {
      const id = `upload-${made++}`;
      uploads.set(id, { key, begun: o.now?.() ?? Date.now(), parts: new Map() });
      return xml(200, `<InitiateMultipartUploadResult><UploadId>${id}</UploadId></InitiateMultipartUploadResult>`);
    }
    const id = query.get('uploadId') ?? '';
    const upload = uploads.get(id);
    if (!upload || upload.key !== key) return error(404, 'NoSuchUpload');
    if (method === 'DELETE') {
      uploads.delete(id);
      return text(204, '');
    }
    if (method === 'PUT') {
      const etag = `"${createHash('md5').update(body).digest('hex')}"`;
      upload.parts.set(Number(query.get('partNumber')), { bytes: body, etag });
      return { ...text(200, ''), headers: { etag } };
    }
    const wanted = [...new TextDecoder().decode(body).matchAll(/<PartNumber>(\d+)<\/PartNumber><ETag>(.*?)<\/ETag>/g)];
    const parts = wanted.map(([, n, etag]) => ({
      part: upload.parts.get(Number(n)),
      etag: etag.replaceAll('&#34;', '"'),
    }));
    if (parts.length === 0 || parts.some(({ part, etag }) => part?.etag !== etag)) return error(400, 'InvalidPart');
    if (parts.slice(0, -1).some(({ part }) => (part?.bytes.length ?? 0) < 5 * 2 ** 20))
      return error(400, 'EntityTooSmall');
    const ifAbsent = headers['if-none-match'] === '*' && o.conditionalParts !== false;
    const whole = new Uint8Array(Buffer.concat(parts.map(({ part }) => part?.bytes ?? new Uint8Array(0))));
    if ((await store.put(key, whole, { ifAbsent })) === 'exists') return error(412, 'PreconditionFailed');
    uploads.delete(id);
    return xml(200, '<CompleteMultipartUploadResult><ETag>"x-2"</ETag></CompleteMultipartUploadResult>');
  }

  async function answerTo(request: IncomingMessage, body: Uint8Array): Promise<Answer> {
    const { pathname, searchParams: query } = new URL(request.url ?? '', 'http://x');
    const [, named, ...rest] = pathname.split('/').map(decodeURIComponent);
    if (named !== bucket) return error(404, 'NoSuchBucket');
    const key = rest.join('/');
    const { method, headers } = request;
    if (key === '') return listing(query);
    if (query.has('uploads') || query.has('uploadId')) return multipart(request, key, query, body);
    if (method === 'GET' || method === 'HEAD') {
      const found = await store.head(key);
      return found ? objectOf(await store.get(key), headers.range, {}) : error(404, 'NoSuchKey');
    }
    if (method === 'DELETE') {
      await store.delete(key);
      return text(204, '');
    }
    const done = await store.put(key, body, { ifAbsent: headers['if-none-match'] === '*' });
    return done === 'exists' ? error(412, 'PreconditionFailed') : text(200, '');
  }

  return async (request, response) => {
    const { method = '', url = '', headers } = request;
    seen.push({ method, url, headers });
    const fault = o.fault?.({ method, url }, count++);
    if (fault === 'drop') return void request.socket.destroy();
    const body = await bodyOf(request).catch(() => null);
    if (!body) return;
    if (typeof fault === 'object') return void response.writeHead(fault.status, fault.headers).end(fault.body ?? '');
    const answer = refusal(request, body) ?? (await answerTo(request, body));
    if (fault === 'lose') return void request.socket.destroy();
    write(response, answer, method, {}, fault);
  };
}
