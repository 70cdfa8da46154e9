/** Qualification (N11): a device must give the golden digests before it is trusted with the contract's bits. */

import { hex, sha256 } from '../../core/sha256.ts';
import { type Device, told } from '../device.ts';
import { collect } from '../expr.ts';
import { makePlan } from '../plan.ts';
import { EngineRuntime } from '../runtime.ts';
import { PREFIXES, WHOLE } from './digests.ts';
import { buildGoldens, PARTS, type Part, partOf } from './goldens.ts';

const utf8 = /* @__PURE__ */ new TextEncoder();

export interface Qualification {
  readonly pass: boolean;
  /** Goldens that came out otherwise, as `family/name`. */
  readonly failures: readonly string[];
}

export interface QualifyOptions {
  readonly signal?: AbortSignal;
  readonly onProgress?: (done: number, total: number) => void;
}

/** The digests of the goldens of some parts on a device, by name. Throws what the device throws. */
export async function goldenDigests(
  device: Device,
  o: QualifyOptions = {},
  parts: readonly Part[] = PARTS,
): Promise<Map<string, string>> {
  const { roots: all, dispose } = buildGoldens(new EngineRuntime(device));
  const roots = new Map([...all].filter(([name]) => parts.includes(partOf(name))));
  const exprs = collect([...roots.values()]);
  const { plan, rootOutput } = makePlan(exprs);
  const compiled = device.compile(plan);
  const outputs = plan.outputs.map((out) => device.allocate(out.size));
  try {
    const inputs = exprs.leaves.map((e) => e.node.held!);
    let done = 0;
    o.signal?.throwIfAborted();
    o.onProgress?.(done, rootOutput.length);
    await told(device.run(compiled, inputs, outputs));
    o.signal?.throwIfAborted();
    const digests = await Promise.all(
      rootOutput.map(async (at) => {
        const digest = await digestOf(await device.download(outputs[at], plan.outputs[at].size));
        o.onProgress?.(++done, rootOutput.length);
        return digest;
      }),
    );
    o.signal?.throwIfAborted();
    return new Map([...roots.keys()].map((name, i) => [name, digests[i]]));
  } finally {
    for (const h of outputs) h.release();
    compiled.dispose();
    dispose();
  }
}

/** One digest of all, by name and in order: the first 128 bits. */
export async function wholeOf(digests: Iterable<readonly [string, string]>): Promise<string> {
  const text = [...digests].map(([name, digest]) => `${name} ${digest}\n`).join('');
  return hex(await sha256(utf8.encode(text))).slice(0, 32);
}

/**
 * Runs the goldens of some parts, all unless given, and compares a digest of each part with that of the WASM device. It covers every
 * bit of every golden; which of them came out otherwise is then told by the first digits of each.
 */
export async function qualify(
  device: Device,
  o: QualifyOptions = {},
  parts: readonly Part[] = PARTS,
): Promise<Qualification> {
  const digests = await goldenDigests(device, o, parts);
  const failures: string[] = [];
  for (const part of parts) {
    const own = [...digests].filter(([name]) => partOf(name) === part);
    if ((await wholeOf(own)) === WHOLE[part]) continue;
    const wrong = own.filter(([, d], i) => !PREFIXES[part].startsWith(d.slice(0, 2), 2 * i));
    failures.push(...(wrong.length > 0 ? wrong.map(([name]) => name) : ['the digest of all']));
  }
  return { pass: failures.length === 0, failures };
}

/** SHA-256 of the words, little-endian. */
async function digestOf(words: Uint32Array): Promise<string> {
  const bytes = new Uint8Array(words.byteLength);
  const view = new DataView(bytes.buffer);
  words.forEach((w, i) => view.setUint32(4 * i, w, true));
  return hex(await sha256(bytes));
}
