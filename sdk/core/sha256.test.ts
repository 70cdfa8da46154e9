import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hex, sha256 } from './sha256.ts';

const utf8 = (s: string) => new TextEncoder().encode(s);

/** FIPS 180-2, appendix B, and the empty text. */
const VECTORS: [Uint8Array, string][] = [
  [utf8(''), 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'],
  [utf8('abc'), 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad'],
  [
    utf8('abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq'),
    '248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1',
  ],
  [utf8('a'.repeat(1_000_000)), 'cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0'],
];

/** Runs with `process.getBuiltinModule` gone, as in a browser. */
async function withoutNode<T>(run: () => Promise<T>): Promise<T> {
  const p = process as { getBuiltinModule?: unknown };
  const kept = p.getBuiltinModule;
  p.getBuiltinModule = undefined;
  try {
    return await run();
  } finally {
    p.getBuiltinModule = kept;
  }
}

test('published vectors, through node:crypto and through WebCrypto', async () => {
  for (const [bytes, want] of VECTORS) {
    assert.equal(hex(await sha256(bytes)), want);
    await withoutNode(async () => assert.equal(hex(await sha256(bytes)), want));
  }
});

test('parts give what the whole gives', async () => {
  const [, [, want]] = VECTORS;
  const parts = ['a', '', 'bc'].map(utf8);
  assert.equal(hex(await sha256(...parts)), want);
  await withoutNode(async () => assert.equal(hex(await sha256(...parts)), want));
});

test('views, and shared memory, which WebCrypto itself refuses', async () => {
  const [, [abc, want]] = VECTORS;
  const shared = new Uint8Array(new SharedArrayBuffer(8)).subarray(2, 5);
  shared.set(abc);
  const view = new Uint8Array(16).subarray(3, 6);
  view.set(abc);
  for (const bytes of [shared, view]) {
    assert.equal(hex(await sha256(bytes)), want);
    await withoutNode(async () => assert.equal(hex(await sha256(bytes)), want));
  }
});

test('without either, E_UNSUPPORTED says what to do', async () => {
  const kept = Object.getOwnPropertyDescriptor(globalThis, 'crypto') as PropertyDescriptor;
  Object.defineProperty(globalThis, 'crypto', { value: {}, configurable: true });
  try {
    await withoutNode(() =>
      assert.rejects(sha256(utf8('abc')), (e) => {
        const { code, hint } = e as { code: string; hint: string };
        return code === 'E_UNSUPPORTED' && hint.includes('https');
      }),
    );
  } finally {
    Object.defineProperty(globalThis, 'crypto', kept);
  }
});
