import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hex, sha256 } from './sha256.ts';

const utf8 = new TextEncoder();

test('the vectors of FIPS 180-4, whole and in parts', async () => {
  const known: [string[], string][] = [
    [[], 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'],
    [['abc'], 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad'],
    [['a', '', 'bc'], 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad'],
    [
      ['abcdbcdecdefdefgefghfghighij', 'hijkijkljklmklmnlmnomnopnopq'],
      '248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1',
    ],
  ];
  for (const [parts, digest] of known) {
    const bytes = parts.map((p) => utf8.encode(p));
    assert.equal(hex(await sha256(bytes)), digest);
  }
});

test('WebCrypto gives the same where the platform has no module of its own', async () => {
  const process = Object.getOwnPropertyDescriptor(globalThis, 'process') as PropertyDescriptor;
  Object.defineProperty(globalThis, 'process', { value: undefined, configurable: true });
  try {
    const digest = hex(await sha256([utf8.encode('a'), utf8.encode('bc')]));
    assert.equal(digest, 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad');
  } finally {
    Object.defineProperty(globalThis, 'process', process);
  }
});
