/** What S3 says of a fault: a code in the body. Only codes of this table are repeated, for servers echo what they were sent. */

import type { Kind } from './http.ts';
import { drop } from './http.ts';
import { parseXml, textOf } from './s3-xml.ts';

const CREDENTIALS: Partial<Kind> = {
  code: 'E_PERMISSION',
  why: 'the credentials are not valid, or no longer',
  hint: 'give current ones; `credentials` may be a function, which is asked for each request',
};
const REGION: Partial<Kind> = {
  code: 'E_UNSUPPORTED',
  why: 'the bucket is in another region',
  hint: 'give its `region`, and the `endpoint` of it if you give one',
};
const AGAIN: Partial<Kind> = { retryable: true };
const CHANGED: Partial<Kind> = {
  code: 'E_INTEGRITY',
  why: 'the bytes changed on their way',
  hint: 'check the network, and whether a proxy changes requests',
  retryable: true,
};

const CODES: Readonly<Record<string, Partial<Kind>>> = {
  NoSuchBucket: {
    code: 'E_NOT_FOUND',
    why: 'there is no such bucket',
    hint: 'check `bucket`, `region` and `endpoint`',
  },
  InvalidAccessKeyId: CREDENTIALS,
  InvalidToken: CREDENTIALS,
  ExpiredToken: CREDENTIALS,
  TokenRefreshRequired: CREDENTIALS,
  SignatureDoesNotMatch: {
    code: 'E_PERMISSION',
    why: 'the signature does not match',
    hint: 'check the secret key and `region`, and whether a proxy changes requests',
  },
  RequestTimeTooSkewed: {
    code: 'E_PERMISSION',
    why: "this machine's clock is wrong by more than 15 minutes",
    hint: 'set the clock',
  },
  AuthorizationHeaderMalformed: REGION,
  PermanentRedirect: REGION,
  TemporaryRedirect: REGION,
  IllegalLocationConstraintException: REGION,
  RequestTimeout: AGAIN,
  IncompleteBody: AGAIN,
  InternalError: AGAIN,
  SlowDown: AGAIN,
  ServiceUnavailable: AGAIN,
  OperationAborted: AGAIN,
  ConditionalRequestConflict: AGAIN,
  BadDigest: CHANGED,
  InvalidDigest: CHANGED,
  XAmzContentSHA256Mismatch: CHANGED,
  EntityTooLarge: { code: 'E_LIMIT', why: 'too large for the server', hint: 'use a larger `partSize`' },
  KeyTooLongError: { code: 'E_LIMIT', why: 'the key is too long', hint: 'use a shorter `prefix`' },
  NotImplemented: {
    code: 'E_UNSUPPORTED',
    why: 'the server does not know a part of the request',
    hint: 'if that is the checksums, leave them out: { checksums: false }',
  },
};

/** Codes are within the first bytes. */
const LOOK = 16 * 1024;

export const isRedirect = ({ type, status }: Response): boolean =>
  type === 'opaqueredirect' || (status >= 300 && status < 400);

export async function explainS3(response: Response): Promise<Partial<Kind> | undefined> {
  const found = CODES[codeOf(await beginning(response)) ?? ''];
  if (found) return found;
  return isRedirect(response) ? REGION : undefined;
}

/** The kind of a fault in a body; null where it is none. */
export function errorIn(body: string): Partial<Kind> | null {
  const root = parseXml(body);
  return root && root.name !== 'Error' ? null : (CODES[textOf(root, 'Code') ?? ''] ?? {});
}

const codeOf = (body: string): string | undefined => textOf(parseXml(body), 'Code');

async function beginning(response: Response): Promise<string> {
  const reader = response.body?.getReader();
  let text = '';
  try {
    const decoder = new TextDecoder();
    while (reader && text.length < LOOK) {
      const { done, value } = await reader.read();
      if (done) break;
      text += decoder.decode(value, { stream: true });
    }
  } catch {
    // what has come may do
  } finally {
    await reader?.cancel().catch(() => {});
  }
  await drop(response);
  return text;
}
