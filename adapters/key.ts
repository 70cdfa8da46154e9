/** What every adapter asks of a key, so that a key that one takes is a key that all take. */

import { CheckpointError, OptionError } from '../sdk/core/errors.ts';

/** Names that adapters keep for their own half-written objects. */
export const TEMP = '.tmp-';

/** Sixteen random hexadecimal digits, for names of half-written objects. */
export function nonce(): string {
  return [...crypto.getRandomValues(new Uint8Array(8))].map((b) => b.toString(16).padStart(2, '0')).join('');
}

/** Throws OptionError for keys that are empty, absolute, too long, climb (`..`), or hold control characters. */
export function checkKey(store: string, key: string): string {
  const segments = typeof key === 'string' ? key.split('/') : [];
  const fault =
    typeof key !== 'string'
      ? 'is not text'
      : segments.includes('')
        ? 'is empty, absolute, or has an empty segment'
        : segments.includes('.') || segments.includes('..')
          ? "has a segment '.' or '..'"
          : // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is refused
            /[\u0000-\u001f\u007f\\]|\p{Surrogate}/u.test(key)
            ? 'holds a control character, a backslash or a lone surrogate'
            : segments.some((s) => s.startsWith(TEMP))
              ? `has a segment that starts with '${TEMP}'`
              : new TextEncoder().encode(key).length > 1024 ||
                  segments.some((s) => new TextEncoder().encode(s).length > 255)
                ? 'is longer than 1024 bytes, or 255 in one segment'
                : undefined;
  if (fault) {
    throw new OptionError(`${store}: key ${JSON.stringify(key)} ${fault}`, {
      hint: "use keys like 'objects/abc.cbor'",
      details: { key },
    });
  }
  return key;
}

/** The bytes that a range asks for: E_RANGE unless all of them exist. */
export function checkRange(
  name: string,
  size: number,
  o: { offset?: number; length?: number },
): { offset: number; length: number } {
  const offset = o.offset ?? 0;
  const length = o.length ?? size - offset;
  const whole = Number.isSafeInteger(offset) && Number.isSafeInteger(length);
  if (!whole || offset < 0 || length < 0 || offset + length > size) {
    throw new CheckpointError('E_RANGE', `${name}: no bytes ${offset} to ${offset + length}, it has ${size}`, {
      path: name,
      offset,
      expected: length,
      actual: size,
      hint: 'the object is shorter than expected: read it from the start, or restore an earlier one',
    });
  }
  return { offset, length };
}

export function notFound(name: string, details?: Readonly<Record<string, unknown>>): CheckpointError {
  return new CheckpointError('E_NOT_FOUND', `${name}: not there`, {
    path: name,
    details,
    hint: 'list the store to see its keys',
  });
}

/** A body whose chunks do not add up to its size is never published. */
export function wrongSize(name: string, size: number, got: number): CheckpointError {
  return new CheckpointError('E_INTEGRITY', `${name}: the body has ${got} bytes, its size says ${size}`, {
    path: name,
    expected: size,
    actual: got,
    hint: 'give the size of what chunks() yields',
  });
}

/** Ascending UTF-8 bytes: code points, where JavaScript's own order compares UTF-16 units. */
export function compareKeys(a: string, b: string): number {
  const n = Math.min(a.length, b.length);
  for (let i = 0; i < n; i++) {
    const x = a.charCodeAt(i);
    const y = b.charCodeAt(i);
    if (x === y) continue;
    // surrogates stand for code points above every other unit
    const sx = x >= 0xd800 && x < 0xe000;
    const sy = y >= 0xd800 && y < 0xe000;
    return sx === sy ? x - y : sx ? 1 : -1;
  }
  return a.length - b.length;
}
