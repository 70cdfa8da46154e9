/** The checkpoint code as a browser would get it: bundled, without Node's globals, and with eval forbidden. */

import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import vm from 'node:vm';
import { build } from 'esbuild';
import { hex } from '../core/sha256.ts';

const at = (path: string) => fileURLToPath(new URL(path, import.meta.url));

test('the same bytes without Buffer, process and eval', async () => {
  const bundle = await build({
    stdin: {
      contents: `
        export { encodeCheckpoint, openCheckpoint, RunStore } from './index.ts';
        export { memoryStore } from '../../adapters/memory.ts';
        export { sampleContent } from './sample.ts';`,
      resolveDir: at('.'),
      loader: 'ts',
    },
    bundle: true,
    format: 'iife',
    globalName: 'isobit',
    platform: 'browser',
    write: false,
    logLevel: 'silent',
  });
  assert.deepEqual(bundle.warnings, []);
  const web = { TextEncoder, TextDecoder, crypto, DataView, AbortSignal };
  const context = vm.createContext({ ...web }, { codeGeneration: { strings: false, wasm: false } });
  vm.runInContext(
    `${bundle.outputFiles[0].text}
    globalThis.main = async () => {
      const made = await isobit.encodeCheckpoint(isobit.sampleContent());
      const bytes = await made.bytes();
      const file = await isobit.openCheckpoint(bytes);
      const run = new isobit.RunStore(isobit.memoryStore(), { clock: () => 0 });
      await run.save(isobit.sampleContent(), { step: 1, epoch: 0 });
      const found = await run.open();
      return [bytes, made.root, file.fingerprint, found.file.root];
    };`,
    context,
  );
  assert.throws(() => vm.runInContext('new Function("")', context));
  const main = context.main as () => Promise<[Uint8Array, string, string, string]>;
  const [bytes, root, fingerprint, found] = await main();
  const golden = await readFile(at('./fixtures/golden-1.cbor'));
  assert.equal(hex(bytes), golden.toString('hex'));
  assert.equal(root, found);
  assert.match(fingerprint, /^[0-9a-f]{64}$/);
});
