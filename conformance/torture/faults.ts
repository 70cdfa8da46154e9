/** A disk that loses power, and calls that fail. */

import { powerCuts } from './faults/cuts.ts';
import { CODES, failures } from './faults/failures.ts';
import { SCENARIOS } from './faults/runs.ts';
import { part } from './part.ts';

/** How many of what a part found are printed. */
const SHOWN = 10;

export interface FaultOptions {
  readonly seed: number;
  /** Every so manyth call at which a writer dies before the one whose power is cut, and every so manyth that fails. */
  readonly stride: number;
  /** Every so manyth moment of a power cut; all unless given. */
  readonly every?: number;
  /** Scenarios whose name begins so; all unless given. */
  readonly only?: string;
}

/** All faults found. */
export async function disasters(o: FaultOptions, say: (line: string) => void = () => {}): Promise<string[]> {
  const all: string[] = [];
  for (const [name, s] of Object.entries(SCENARIOS)) {
    if (!name.startsWith(o.only ?? '')) continue;
    const faults: string[] = [];
    const seen = new Set<string>();
    const alone = await powerCuts(s, o, seen);
    faults.push(...alone.faults);
    let [deaths, moments, tried] = [0, alone.moments, alone.tried];
    for (let death = o.seed % o.stride; death < alone.calls; death += o.stride) {
      const second = await powerCuts(s, { ...o, death }, seen);
      deaths++;
      moments += second.moments;
      tried += second.tried;
      faults.push(...second.faults);
    }
    const f = await failures(s, o.stride);
    faults.push(...f.faults);
    say(
      `${name}: power cut at ${moments} moments, after ${deaths} deaths of another writer: ${tried} disks, ${seen.size} of them different`,
    );
    say(
      `    ${f.failed} failing calls (of ${f.calls} calls, in ${Object.keys(CODES).length} ways), ${f.borne} of them borne; ${faults.length} faults`,
    );
    for (const line of faults.slice(0, SHOWN)) say(`FAULT ${line}`);
    all.push(...faults.map((line) => `${name}: ${line}`));
  }
  return all;
}

export const faults = part({ seed: 1, stride: 1, only: '' }, async (o, say) => {
  say(`faults: seed ${o.seed}`);
  if (o.stride < 1) throw new Error('--stride takes a number from 1 up');
  return (await disasters(o, say)).length === 0;
});
