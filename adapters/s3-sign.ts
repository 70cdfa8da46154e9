/** Signatures of requests to S3 (AWS Signature Version 4), over the digest of each body. */

import { AwsV4Signer } from 'aws4fetch';
import { CheckpointError, OptionError } from '../sdk/core/errors.ts';
import type { HttpRequest } from './http.ts';

export interface S3Credentials {
  accessKeyId: string;
  secretAccessKey: string;
  /** Of temporary credentials. */
  sessionToken?: string;
}

export interface Signing {
  region: string;
  credentials: S3Credentials | (() => S3Credentials | Promise<S3Credentials>);
  /** `x-amz-checksum-sha256` with every body. */
  checksums: boolean;
  /** Milliseconds since 1970; the platform's clock unless given. */
  now?: () => number;
}

const hex = (bytes: Uint8Array) => [...bytes].map((b) => b.toString(16).padStart(2, '0')).join('');
const base64 = (bytes: Uint8Array) => btoa(String.fromCharCode(...bytes));

/** SHA-256 as base64, as S3 writes checksums. */
export const checksumOf = async (body: Blob): Promise<string> => base64(await sha256(await body.arrayBuffer()));

async function sha256(bytes: ArrayBuffer): Promise<Uint8Array> {
  if (!globalThis.crypto?.subtle) {
    throw new CheckpointError('E_UNSUPPORTED', 's3Store: there is no Web Crypto here to sign with', {
      hint: 'pages must be served by https, or from this machine',
    });
  }
  return new Uint8Array(await crypto.subtle.digest('SHA-256', bytes));
}

/** The message of a header's fault would hold its value, so what no header can carry is found before. */
function checked({ accessKeyId, secretAccessKey, sessionToken }: S3Credentials): S3Credentials {
  const keys = { accessKeyId, secretAccessKey, sessionToken };
  for (const [name, value] of Object.entries(keys)) {
    if ((name === 'sessionToken' && value === undefined) || /^[!-~]+$/.test(value ?? '')) continue;
    throw new OptionError(`s3Store: \`credentials.${name}\` is not one line of visible ASCII`, {
      hint: 'look for blanks and line feeds around it',
    });
  }
  return keys;
}

/** The headers that sign a request. Of those that it has, S3's own and conditions are signed. */
export function signer(o: Signing): (request: HttpRequest) => Promise<Record<string, string>> {
  const cache = new Map<string, ArrayBuffer>();
  return async ({ method, url, headers, body }) => {
    const keys = checked(typeof o.credentials === 'function' ? await o.credentials() : o.credentials);
    const digest = await sha256(body instanceof Blob ? await body.arrayBuffer() : new ArrayBuffer(0));
    const all = new Headers({ 'x-amz-content-sha256': hex(digest) });
    for (const [name, value] of Object.entries(headers)) if (/^(x-amz-|if-)/.test(name)) all.set(name, value);
    if (o.checksums && method === 'PUT') all.set('x-amz-checksum-sha256', base64(digest));
    const datetime = new Date(o.now?.() ?? Date.now()).toISOString().replace(/[:-]|\.\d{3}/g, '');
    const { region } = o;
    const request = { method, url: url.href, headers: all, service: 's3', region, datetime, cache };
    const signed = await new AwsV4Signer({ ...request, ...keys }).sign();
    return Object.fromEntries(signed.headers);
  };
}

/** As RFC 3986 has it, and as it is signed. */
export const encoded = (part: string): string =>
  encodeURIComponent(part).replace(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`);

export function withQuery(url: URL, query: Readonly<Record<string, string>>): URL {
  const out = new URL(url);
  const pairs = Object.entries(query).map(([k, v]) => `${k}=${encoded(v)}`);
  out.search = pairs.join('&');
  return out;
}
