/**
 * A store in a bucket of S3, or of what speaks its language: R2, MinIO, Ceph. Keys are objects below a prefix. For every
 * runtime that has fetch and Web Crypto.
 *
 * The credentials need GetObject, PutObject, DeleteObject, ListBucket, and AbortMultipartUpload; ListBucketMultipartUploads
 * lets what killed writers left behind be cleared away. From pages the bucket's CORS must allow GET, HEAD, PUT, POST and
 * DELETE with every header, and expose ETag and Content-Range.
 */

import { CheckpointError, OptionError } from '../sdk/core/errors.ts';
import { anything, callable, checkOptions, flag, type OptionTable, object, required } from '../sdk/core/options.ts';
import type { Ask, HttpOptions } from './http.ts';
import { addressOf } from './http-address.ts';
import type { Dialect, Entry, Page } from './http-dialect.ts';
import { readObject } from './http-read.ts';
import { httpStore } from './http-store.ts';
import { checkKey, compareKeys } from './key.ts';
import { explainS3 } from './s3-error.ts';
import { encoded, type S3Credentials, type Signing, signer, withQuery } from './s3-sign.ts';
import { multipart } from './s3-upload.ts';
import { childOf, parseXml, textOf } from './s3-xml.ts';
import type { Store, StoreIO } from './store.ts';

export type { S3Credentials } from './s3-sign.ts';

export interface S3StoreOptions extends Pick<HttpOptions, 'fetch' | 'retry'> {
  bucket: string;
  /** What stands before every key, such as 'runs/iris'; a '/' is put between. */
  prefix?: string;
  /** 'us-east-1' unless given; 'auto' for R2. */
  region?: string;
  /** The server, such as 'https://<account>.r2.cloudflarestorage.com'. Amazon's own unless given. */
  endpoint?: string | URL;
  /** The bucket in the path, not in the host's name. True for an `endpoint` of one's own, and buckets with a '.'. */
  pathStyle?: boolean;
  /** A function is asked for each request, for credentials that expire. They are in no message. */
  credentials: S3Credentials | (() => S3Credentials | Promise<S3Credentials>);
  /** SHA-256 with every body, which the server keeps and checks: true unless given. For servers that do not know it: false. */
  checksums?: boolean;
  /** Larger bodies go in parts of this many bytes, one of which is in memory: 8 MiB unless given, at least 5 MiB. */
  partSize?: number;
  /** Never writes, and does not try what the server promises to writers. */
  readOnly?: boolean;
  /** Your word that nothing but this one store ever writes there, for servers that ignore `If-None-Match`. */
  oneWriter?: boolean;
}

const OPTIONS: OptionTable<S3StoreOptions> = {
  bucket: required(anything),
  prefix: anything,
  region: anything,
  endpoint: anything,
  pathStyle: flag,
  credentials: required(anything),
  checksums: flag,
  partSize: anything,
  readOnly: flag,
  oneWriter: flag,
  fetch: callable('a function as fetch'),
  retry: object('{ attempts, ms }'),
};

const MIB = 2 ** 20;

/**
 * A store in a bucket.
 *
 * Requests whose answer was lost are sent again, so that a put may meet what it has itself written. Therefore the bytes decide:
 * with `ifAbsent`, 'exists' is the answer where other bytes are there, and 'written' where these are.
 *
 * @example
 *   const store = s3Store({ bucket: 'models', prefix: 'runs/iris', region: 'eu-central-1', credentials });
 * @throws CheckpointError E_UNSUPPORTED (what the server does not do), E_PERMISSION, E_QUOTA, E_LIMIT, E_RANGE, E_INTEGRITY,
 *   E_IO; each names the place and the key. OptionError for options that cannot be.
 */
export function s3Store(o: S3StoreOptions): Store {
  const { bucket, region = 'us-east-1', checksums = true, partSize = 8 * MIB, readOnly, oneWriter } = o;
  checkOptions('s3Store', OPTIONS, o);
  checkValues(o);
  const prefix = o.prefix ? `${o.prefix.replace(/\/$/, '')}/` : '';
  const place = placeOf(o);
  const signing: Signing = { region, credentials: o.credentials, checksums };
  const http = { fetch: o.fetch, retry: o.retry, headers: signer(signing), explain: explainS3, follow: false };
  const name = `s3://${bucket}/${prefix}`.replace(/\/$/, '');

  const inBucket = (query: Record<string, string>) => withQuery(place, query);
  const d: Dialect = {
    name,
    http,
    maxObject: 5 * 2 ** 40,
    readOnly,
    oneWriter,
    atomic: true, // S3 looks for the object in one step with the write
    stream: false, // a signature is over the whole body
    address(key) {
      const url = new URL(place);
      url.pathname = `${place.pathname.replace(/\/$/, '')}/${(prefix + key).split('/').map(encoded).join('/')}`;
      return url;
    },
    async page(under, after, before, io: StoreIO) {
      const query: Record<string, string> = { 'list-type': '2', prefix: prefix + under };
      if (before?.token !== undefined) query['continuation-token'] = before.token;
      else if (after !== undefined) query['start-after'] = prefix + after;
      const ask: Ask = { method: 'GET', url: inBucket(query), path: name, signal: io.signal };
      const { bytes } = await readObject(http, ask, { offset: 0, length: undefined });
      const page = pageOf(new TextDecoder().decode(bytes), prefix, under, after);
      if (page && (!page.more || page.token !== before?.token || page.token === undefined)) return page;
      throw new CheckpointError('E_IO', `cannot list ${name}: the server's answer is not in order`, {
        path: name,
        hint: 'directory buckets do not list in order; use a general purpose bucket',
      });
    },
  };
  return httpStore({ ...d, large: multipart(d, { partSize, checksums, bucket: inBucket, prefix }) });
}

function checkValues({ bucket, region, prefix, partSize = 8 * MIB, credentials }: S3StoreOptions): void {
  const fail = (what: string, hint: string) => new OptionError(`s3Store: ${what}`, { hint });
  if (!/^[\w][\w.-]{1,253}[\w]$/.test(bucket ?? '')) {
    throw fail('`bucket` is no name of one', "use its name alone, such as 'models'");
  }
  if (region !== undefined && !/^[\w-]{1,64}$/.test(region))
    throw fail('`region` is no name of one', "use 'auto' for R2");
  if (prefix) checkKey('s3Store: prefix', prefix.replace(/\/$/, ''));
  if (!Number.isSafeInteger(partSize) || partSize < 5 * MIB || partSize > 5 * 1024 * MIB) {
    throw fail(`\`partSize\` is ${partSize}`, 'use 5 MiB to 5 GiB');
  }
  const isKey = (c: S3Credentials) => typeof c?.accessKeyId === 'string' && typeof c.secretAccessKey === 'string';
  if (typeof credentials !== 'function' && !isKey(credentials)) {
    throw fail('`credentials` lacks accessKeyId or secretAccessKey', 'give both, or a function that does');
  }
}

/** The bucket's address. */
function placeOf({ endpoint, bucket, region = 'us-east-1', pathStyle }: S3StoreOptions): URL {
  const amazon = `https://s3.${region}.amazonaws.com${region.startsWith('cn-') ? '.cn' : ''}`;
  const url = addressOf('s3Store', endpoint ?? amazon);
  url.search = '';
  if (pathStyle ?? (endpoint !== undefined || bucket.includes('.'))) url.pathname += bucket;
  else url.hostname = `${bucket}.${url.hostname}`;
  return url;
}

/** Null where the text is no listing, or one out of order. */
function pageOf(text: string, prefix: string, under: string, after: string | undefined): Page | null {
  const root = parseXml(text);
  if (root?.name !== 'ListBucketResult') return null;
  let last = after;
  const entries: Entry[] = [];
  for (const e of root.children) {
    if (e.name !== 'Contents') continue;
    const [full, size, written] = ['Key', 'Size', 'LastModified'].map((n) => childOf(e, n)?.text ?? '');
    const key = full.slice(prefix.length);
    if (!full.startsWith(prefix + under) || !/^\d{1,15}$/.test(size)) return null;
    if (last !== undefined && compareKeys(key, last) <= 0) return null;
    last = key;
    // Consoles put an empty object where they show a folder.
    if (key === '' || key.endsWith('/')) continue;
    const modified = Date.parse(written);
    entries.push({ key, size: Number(size), ...(Number.isFinite(modified) && { modified }) });
  }
  const more = textOf(root, 'IsTruncated') === 'true';
  const token = textOf(root, 'NextContinuationToken');
  return more && !token && entries.length === 0 ? null : { entries, more, token };
}
