/** How fast a gigabyte is saved, from arrays and from a device, and loaded, beside what the disk and SHA-256 alone take, in turns. */

import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { fsStore } from '../../adapters/fs.ts';
import { RunStore, type TensorSource } from '../../sdk/checkpoint/index.ts';
import type { HostArray } from '../../sdk/core/host.ts';
import { part } from './part.ts';
import { held as onDevice } from './speed/held.ts';
import type { Held } from './speed/memory.ts';

const MIB = 2 ** 20;
/** Of the slower of disk and SHA-256. */
const TARGET = 1.3;
/** What is written beside the objects of a store. */
const RAW = 'raw';
/** Rounds in which the peer runs, too. */
const PEER = 3;
/** What a save may take beyond the model, besides one tensor. */
const ROOM = 16 * MIB;
/** What a process may grow by besides: the thread that hashes, garbage, code. */
const PROCESS = 64 * MIB;

const PYTHON = join(import.meta.dirname, '../../.venv/bin/python');
/** The peer, with numbers of its own: saves, flushes, loads. */
const PROGRAM = `
import json, os, sys, time
import numpy as np
from safetensors.numpy import load_file, save_file
path, count, length = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
tensors = {f"t{i}": np.arange(length, dtype=np.float32) + i for i in range(count)}
start = time.perf_counter()
save_file(tensors, path)
fd = os.open(path, os.O_RDONLY)
os.fsync(fd)
os.close(fd)
saved = time.perf_counter()
total = sum(float(t[-1]) for t in load_file(path).values())
print(json.dumps({"save": saved - start, "load": time.perf_counter() - saved}))
`;

/** What a program beside this file prints, as JSON. */
function ask<T>(program: string, flags: readonly string[], ...args: readonly (string | number)[]): T {
  const file = fileURLToPath(new URL(`./speed/${program}`, import.meta.url));
  const all = [...flags, '--import', 'tsx', file, ...args.map(String)];
  return JSON.parse(execFileSync(process.execPath, all, { encoding: 'utf8' }));
}

const mib = (n: number) => (n / MIB).toFixed(1);
const median = (v: readonly number[]): number => [...v].sort((a, b) => a - b)[v.length >> 1];

export const speed = part({ megabytes: 1024, tensors: 300, rounds: 9 }, async (o, say) => {
  const length = Math.floor((o.megabytes * MIB) / o.tensors / 4);
  const model = new Map<string, HostArray>();
  for (let i = 0; i < o.tensors; i++) {
    model.set(`t/${i}`, { dtype: 'f32', shape: [length], data: new Float32Array(length).map((_, k) => k + i) });
  }
  const bytesOf = ({ data }: HostArray) => new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  const root = await mkdtemp(join(tmpdir(), 'isobit-speed-'));
  const seconds: Record<string, number[]> = {};
  let held = true;
  const took = (name: string, s: number) => {
    seconds[name] ??= [];
    seconds[name].push(s);
  };
  const time = async (name: string, work: () => Promise<unknown> | unknown) => {
    globalThis.gc?.();
    const start = performance.now();
    await work();
    took(name, (performance.now() - start) / 1000);
  };
  const write = async (path: string) => {
    const h = await open(path, 'wx');
    for (const t of model.values()) {
      const bytes = bytesOf(t);
      for (let at = 0; at < bytes.length; at += MIB) await h.write(bytes.subarray(at, at + MIB));
    }
    await h.sync();
    await h.close();
  };
  const hash = () => {
    const h = createHash('sha256');
    for (const t of model.values()) h.update(bytesOf(t));
    h.digest();
  };
  const peer = (path: string) => {
    const all = execFileSync(PYTHON, ['-c', PROGRAM, path, `${o.tensors}`, `${length}`], { encoding: 'utf8' });
    for (const [name, s] of Object.entries(JSON.parse(all) as Record<string, number>)) took(`safetensors ${name}`, s);
  };
  try {
    for (let round = 0; round < o.rounds; round++) {
      const dir = join(root, `run${round}`);
      const store = fsStore(dir);
      await mkdir(dir);
      let object = '';
      const save = (prefix: string, tensors: ReadonlyMap<string, TensorSource>) => async () => {
        const content = { kind: 'weights', state: { round }, tensors };
        const { commit } = await new RunStore(store, { prefix }).save(content, { step: round, epoch: 0 });
        object = prefix + commit.object;
      };
      // New files, and each first in turn: pages that were freed a moment ago are cheaper than others.
      const inTurn = async (...works: (() => Promise<unknown> | unknown)[]) => {
        const first = round % works.length;
        for (const work of [...works.slice(first), ...works.slice(0, first)]) await work();
      };
      await inTurn(
        () => time('save', save('', model)),
        () => time('save from a device', save('device/', onDevice(model))),
        () => time('SHA-256', hash),
        () => time('write and fsync', () => write(join(dir, RAW))),
      );
      const reading = (what: string) =>
        ask<number>('reading.ts', [], what, dir, what === 'read' ? RAW : object, o.tensors, length);
      reading('read'); // memory that the host has taken meanwhile is found again
      await inTurn(...['verified load', 'read', 'resume'].map((what) => () => took(what, reading(what))));
      if (round < PEER) peer(join(root, 'peer'));
      await rm(dir, { recursive: true });
    }
    // With all that was made here, the machine may be short of memory.
    const bytes = model.size * length * 4;
    model.clear();
    globalThis.gc?.();
    const home = join(root, 'memory');
    for (const [what, name, allowed] of [
      ['save', 'a save', length * 4 + ROOM],
      ['device', 'a save from a device', length * 4 + ROOM],
      ['aside', 'a save in the background', bytes * 1.125 + ROOM],
      ['load', 'a load', bytes + ROOM],
    ] as const) {
      const { arrays, rss } = ask<Held>('memory.ts', ['--expose-gc'], what, home, o.tensors, length);
      const fits = arrays <= allowed && rss <= allowed + PROCESS;
      held &&= fits;
      say(
        `${name} held ${mib(arrays)} MiB of arrays, allowed ${mib(allowed)}; the process ${mib(rss)}, allowed ${mib(PROCESS)} more${fits ? '' : ' OVER'}`,
      );
    }
  } finally {
    await rm(root, { recursive: true, force: true });
  }
  for (const [name, v] of Object.entries(seconds))
    say(`${name}: ${median(v).toFixed(2)} s of ${v.map((s) => s.toFixed(2)).join(' ')}`);
  /** Median over rounds of ours beside the slower of the two. */
  const ratio = (ours: string, disk: string) =>
    median(seconds[ours].map((s, i) => s / Math.max(seconds[disk][i], seconds['SHA-256'][i])));
  const rows = [
    ['save / max(write and fsync, SHA-256)', ratio('save', 'write and fsync')],
    ['save from a device / the same', ratio('save from a device', 'write and fsync')],
    ['verified load / max(read, SHA-256)', ratio('verified load', 'read')],
  ] as const;
  for (const [name, r] of rows) {
    held &&= r <= TARGET;
    say(`${name}: ${r.toFixed(2)}, target ${TARGET}${r <= TARGET ? '' : ' OVER'}`);
  }
  return held;
});
