import { matrix, runTrials } from './matrix.ts';
import { createWasmRuntime } from '../sdk/engine/create.ts';
const rt = await createWasmRuntime({fuse:false});
const m = matrix();
const r = await runTrials(rt, m.trials);
console.log(r.mismatches.length, r.comparisons, r.mismatches.slice(0,12).join('\n'), rt.memory());
