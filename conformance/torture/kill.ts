/** Writers that are killed at random moments, on a real disk. */

import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as wait } from 'node:timers/promises';
import { fsStore } from '../../adapters/fs.ts';
import { random } from '../../sdk/checkpoint/sample.ts';
import { bundle } from './bundle.ts';
import { Ledger } from './kill/check.ts';
import { uninterrupted } from './kill/training.ts';
import type { Said } from './kill/work.ts';
import type { Job } from './kill/writer.ts';
import { part } from './part.ts';

/** A writer's process. What it said before it died is heard to the last line. */
class Writer {
  readonly #child: ChildProcess;
  readonly #heard: Promise<unknown>;
  /** Its first word. */
  readonly started: Promise<void>;
  killed = false;

  constructor(script: string, job: Job, hear: (s: Said) => void, fault: (what: string) => void) {
    this.#child = spawn(process.execPath, [script, JSON.stringify(job)], { stdio: ['ignore', 'pipe', 'pipe'] });
    let begun = () => {};
    this.started = new Promise((done) => {
      begun = done;
    });
    let last = '';
    this.#child.stderr?.setEncoding('utf8').on('data', (t: string) => {
      last += t;
    });
    const lines = createInterface({ input: this.#child.stdout! });
    lines.on('line', (line) => {
      hear(JSON.parse(line) as Said);
      begun();
    });
    const closed = new Promise<void>((done) => lines.on('close', done));
    const ended = new Promise<void>((done) => this.#child.on('close', () => done()));
    this.#heard = Promise.all([closed, ended]).then(() => {
      if (!this.killed) fault(`a writer ended by itself: ${last.trim()}`);
      begun();
    });
  }

  async kill(): Promise<void> {
    this.killed = true;
    this.#child.kill('SIGKILL');
    await this.#heard;
  }

  pause(yes: boolean): void {
    this.#child.kill(yes ? 'SIGSTOP' : 'SIGCONT');
  }
}

export interface KillOptions {
  readonly commits: number;
  readonly seed: number;
  /** 0 keeps every commit. */
  readonly keepLast: number;
  readonly writers: number;
  /** Commits that are resumed and trained on at the end. */
  readonly samples: number;
}

export async function killWriters(o: KillOptions, say: (line: string) => void = () => {}): Promise<Ledger> {
  const root = await mkdtemp(join(tmpdir(), 'isobit-torture-'));
  const dir = join(root, 'run');
  const script = join(root, 'writer.mjs');
  await bundle(new URL('./kill/writer.ts', import.meta.url), script);
  const next = random(o.seed);
  const ledger = new Ledger(await uninterrupted());
  let kills = 0;
  let lost = 0;
  const hear = (s: Said) => {
    if ('commit' in s) ledger.promise(s);
    else lost++;
  };
  const start = () =>
    new Writer(script, { dir, seed: next(), keepLast: o.keepLast }, hear, (what) => ledger.fault(what));
  const writers = Array.from({ length: o.writers }, start);
  try {
    while (ledger.promised.size < o.commits && ledger.faults.length === 0) {
      const victims = next() % 4 === 0 ? [...writers] : [writers[next() % writers.length]];
      await victims[0].started;
      // to a part of a millisecond: a save takes a few
      await wait(next() % 400);
      const moment = performance.now() + (next() % 1000) / 1000;
      while (performance.now() < moment);
      await Promise.all(victims.map((w) => w.kill()));
      kills += victims.length;
      for (const w of writers) if (!w.killed) w.pause(true);
      await ledger.latest(fsStore(dir));
      for (const [i, w] of writers.entries()) {
        if (w.killed) writers[i] = start();
        else w.pause(false);
      }
      if (kills % 100 < victims.length) say(`${ledger.promised.size} commits, ${kills} kills, ${lost} conflicts`);
    }
    await Promise.all(writers.map((w) => w.kill()));
    kills += writers.length;
    const { commits, collected } = await ledger.whole(fsStore(dir), { keepLast: o.keepLast, unknown: kills + lost });
    const resumed = await ledger.resumes(fsStore(dir), o.samples);
    const of = o.keepLast > 0 ? `keepLast ${o.keepLast}` : 'keeping all';
    say(
      `${of}: ${ledger.promised.size} commits promised by ${o.writers} writers, ${kills} kills, ${lost} conflicts; ` +
        `${commits} live and verified, ${collected} orphans collected, ${resumed} resumed`,
    );
    for (const f of ledger.faults) say(`FAULT ${f}`);
    return ledger;
  } finally {
    await Promise.all(writers.map((w) => w.kill()));
    if (ledger.faults.length > 0) say(`left for a look: ${dir}`);
    else await rm(root, { recursive: true, force: true, maxRetries: 5 });
  }
}

const OPTIONS = { commits: 5000, seed: 1, keepLast: 3, writers: 2, samples: 100, retention: 'both' };

/** With retention and without, half of the commits each. */
export const kill = part(OPTIONS, async (o, say) => {
  const modes = { both: [0, o.keepLast], on: [o.keepLast], off: [0] }[o.retention];
  if (!modes) throw new Error(`--retention takes both, on or off, got ${o.retention}`);
  say(`kill: seed ${o.seed}`);
  let held = true;
  for (const keepLast of modes) {
    const ledger = await killWriters({ ...o, keepLast, commits: Math.ceil(o.commits / modes.length) }, say);
    held &&= ledger.faults.length === 0;
  }
  return held;
});
