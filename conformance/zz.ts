import { leaf, report } from './fuzz/check.ts';
import { bce } from './fuzz/program.ts';
import { concat, grad, jvp } from '../sdk/index.ts';
await report({
  leaves: [
    leaf('f32', [], [0x0]),
    leaf('f32', [1,1,1], [0x0]),
    leaf('f32', [1,1,1], [0x0]),
  ],
  build([x0, x1, x2]) {
    const [t3, t4] = grad(x2 as never, [x0, x0] as never, { seed: x1 as never, unused: 'zero' });
    const t5 = t4.neg();
    return { outputs: [t4, t5], assigns: [] };
  },
});
await report({
  leaves: [
    leaf('f32', [], [0x0]),
    leaf('f32', [], [0x0]),
    leaf('f32', [], [0x0]),
    leaf('f32', [], [0x0]),
  ],
  build([x0, x1, x2, x3]) {
    const t4 = x0.mul(-9.02579311624359e-38);
    const t5 = t4.max([], false);
    const t6 = t5.sqrt();
    const [t7, t8, t9] = grad(t6 as never, [x0, x2, x1] as never, { seed: x3 as never, unused: 'zero' });
    return { outputs: [t7], assigns: [] };
  },
});
