/** Which op made the first Inf or NaN: the program once more, one kernel an op, every value looked at. */

import { isFloat } from '../core/dtype.ts';
import { NumericError } from '../core/errors.ts';
import type { Held, Node } from '../core/node.ts';
import { DATA, PLACEHOLDER } from '../core/ops/leaf.ts';
import { showShape } from '../core/shape.ts';
import { type Device, type Flags, told } from './device.ts';
import { collect, type Expr } from './expr.ts';
import { makePlan } from './plan.ts';
import { hasNonFinite } from './upload.ts';

export async function numericError(
  device: Device,
  exprs: readonly Expr[],
  heldOf: (leaf: Node) => Held,
  flags: Flags,
  where: string,
): Promise<NumericError> {
  const suspects = exprs.filter((e) => e.inputs.length > 0 && e.op.kind !== 'view').map((e) => e.node);
  for (const leaf of exprs.filter((e) => e.op === DATA || e.op === PLACEHOLDER)) {
    if (isFloat(leaf.dtype) && hasNonFinite(await device.download(heldOf(leaf.node), leaf.size), leaf.dtype)) {
      return describe(where, 'an input', leaf.node, 'nonfinite');
    }
  }
  for (const n of suspects) {
    const one = collect([n], (x) => x !== n && x.held !== null);
    const { plan } = makePlan(one, { fuse: false });
    const compiled = device.compile(plan);
    const outputs = plan.outputs.map((o) => device.allocate(o.size));
    try {
      const inputs = one.leaves.map((e) => heldOf(e.node));
      const raised = await told(device.run(compiled, inputs, outputs));
      if (raised.index && n.op.kind === 'gather') return describe(where, n.op.name, n, 'index');
      if (raised.nonfinite) return describe(where, n.op.name, n, 'nonfinite');
    } finally {
      for (const h of outputs) h.release();
      compiled.dispose();
    }
  }
  return new NumericError(`${where}: ${flags.index ? 'an index was out of range' : 'a value is Inf or NaN'}`, {
    hint: 'Lower the learning rate, clip gradients, check the data.',
  });
}

function describe(where: string, op: string, n: Node, what: 'index' | 'nonfinite'): NumericError {
  const gave = what === 'index' ? 'got an index out of range' : 'gave Inf or NaN';
  return new NumericError(`${where}: ${op} ${gave} (shape ${showShape(n.shape)})`, {
    hint:
      what === 'index'
        ? 'Indices are below the size of the axis.'
        : "Lower the learning rate, clip gradients, check the data, or read with { nonfinite: 'keep' }.",
    details: { op, shape: n.shape, what },
  });
}
