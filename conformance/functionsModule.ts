/** The kernels' functions in a module of their own (wasm/functions/testing.ts), compiled on the spot. */

import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('..', import.meta.url));

type Loop = (...args: number[]) => void;

export interface FunctionsModule {
  /** Loops by name: (destination, operands …, bytes) in byte addresses. */
  readonly loops: Readonly<Record<string, Loop>>;
  /** Views of `elements` words each, and their addresses: [0] takes results, the others hold operands. */
  readonly buffers: readonly Uint32Array[];
  readonly at: readonly number[];
}

function node(args: readonly string[]): void {
  const r = spawnSync(process.execPath, args, { cwd: ROOT, encoding: 'utf8' });
  if (r.status !== 0) throw new Error(`${args[0]} failed:\n${r.stdout}${r.stderr}`);
}

/** Compiles with the flags of the shipped kernels. `elements` is a multiple of 16. */
export async function functionsModule(elements: number, buffers = 4): Promise<FunctionsModule> {
  if (!existsSync(join(ROOT, 'wasm/build/opcodes.ts'))) node(['--import', 'tsx', 'scripts/opcodes.ts']);
  const scratch = mkdtempSync(join(tmpdir(), 'isobit-functions-'));
  const out = join(scratch, 'functions.wasm');
  try {
    node([
      'node_modules/assemblyscript/bin/asc.js',
      'wasm/functions/testing.ts',
      ...['-O3', '--noAssert', '--runtime', 'stub', '--enable', 'simd', '--outFile', out],
    ]);
    return await instantiate(readFileSync(out), elements, buffers);
  } finally {
    rmSync(scratch, { recursive: true });
  }
}

async function instantiate(
  bytes: Uint8Array<ArrayBuffer>,
  elements: number,
  buffers: number,
): Promise<FunctionsModule> {
  const abort = () => {
    throw new Error('the module aborted');
  };
  const { instance } = await WebAssembly.instantiate(bytes, { env: { abort } });
  const exports = instance.exports;
  const memory = exports.memory as WebAssembly.Memory;
  const heap = (exports.heap as () => number)();
  const size = elements * 4 + 64;
  memory.grow(Math.ceil((heap + size * buffers - memory.buffer.byteLength) / 65536) + 1);
  const at = Array.from({ length: buffers }, (_, i) => heap + i * size);
  return {
    loops: exports as unknown as Record<string, Loop>,
    buffers: at.map((p) => new Uint32Array(memory.buffer, p, elements)),
    at,
  };
}
