/** One row on the runtime that it finds itself on: makes the Runtime, runs the suite or a relay, and says what happens. */

import { isIsobitError } from '../../../sdk/core/errors.ts';
import { createRuntime, type RuntimeOptions } from '../../../sdk/index.ts';
import golden from '../../fixtures/iris.json' with { type: 'json' };
import type { RelayOptions, RowOptions, Said } from '../report.ts';
import { runSuite, SEED } from '../suite.ts';
import { engineName } from './engine.ts';

/** Never throws: what goes wrong is said. */
export async function runRow(
  o: RowOptions | RelayOptions,
  say: (s: Said) => void,
  wasm?: RuntimeOptions['wasm'],
): Promise<void> {
  try {
    const seed = 'legs' in o ? BigInt(o.seed) : SEED;
    await using rt = await createRuntime({ backend: o.backend, seed, ...(wasm ? { wasm } : {}) });
    if ('legs' in o) {
      const { runLegs } = await import('../../relay/leg.ts');
      say({ kind: 'begin', engine: engineName(), adapter: rt.adapter, cases: o.legs.length });
      await runLegs(rt, o, (end) => say({ kind: 'leg', end }));
      return say({ kind: 'end', cases: o.legs.length, mismatches: 0, first: null });
    }
    const report = await runSuite(rt, {
      ...o,
      golden,
      onBegin: (cases) => say({ kind: 'begin', engine: engineName(), adapter: rt.adapter, cases }),
      onProgress: (done) => say({ kind: 'progress', done }),
      onMismatch: (mismatch) => say({ kind: 'mismatch', mismatch }),
    });
    say({ kind: 'end', ...report });
  } catch (e) {
    // A machine may have no GPU, but a platform without WASM does not do what it is listed for.
    const absent = o.backend === 'webgpu' && isIsobitError(e) && e.code === 'E_NO_DEVICE';
    if (absent) say({ kind: 'unavailable', why: e.message });
    else say({ kind: 'failed', why: e instanceof Error ? (e.stack ?? e.message) : String(e) });
  }
}
