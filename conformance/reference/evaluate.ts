/** Any graph, node by node in topological order, every result a tensor of its own. */

import { hostArray } from '../../sdk/core/host.ts';
import type { Node } from '../../sdk/core/node.ts';
import { attrNumber } from '../../sdk/core/op.ts';
import { ARITHMETIC } from './arithmetic.ts';
import { COMPARE } from './compare.ts';
import { conv, convInput, convWeight, rounded } from './conv.ts';
import { type Element, elementwise } from './elementwise.ts';
import { FUNCTIONS } from './functions.ts';
import { gather, scatterAdd } from './gather.ts';
import { matmul } from './matmul.ts';
import { broadcast, concat, pad, permute, reshape, slice, windows } from './move.ts';
import { maxPool, poolIndex, poolSpread, poolSum } from './pool.ts';
import { normal, philox, RANDOM } from './random.ts';
import { cumsum, reduce } from './reduce.ts';
import { SELECT } from './select.ts';
import { argsort } from './sort.ts';
import { build, type Value } from './value.ts';

const ELEMENTS = new Map<string, Element>(
  [ARITHMETIC, FUNCTIONS, COMPARE, SELECT, RANDOM].flatMap((family) => Object.entries(family)),
);

/** Values of `roots`. `values` holds the leaves, and keeps what was computed. */
export function evaluate(roots: readonly Node[], values: Map<Node, Value>): Value[] {
  const stack = [...roots];
  while (stack.length > 0) {
    const n = stack[stack.length - 1];
    if (values.has(n)) {
      stack.pop();
      continue;
    }
    const open = n.inputs.filter((x) => !values.has(x));
    if (open.length > 0) {
      stack.push(...open);
      continue;
    }
    stack.pop();
    values.set(n, compute(n, values));
  }
  return roots.map((n) => values.get(n)!);
}

function compute(n: Node, values: Map<Node, Value>): Value {
  const { op, attrs, shape, dtype } = n;
  const inputs = n.inputs.map((x) => values.get(x)!);
  const [a, b, c] = inputs;
  const element = ELEMENTS.get(op.name);
  if (element) return elementwise(element, inputs, attrs, shape, dtype);
  switch (op.name) {
    case 'constant':
      return build(shape, dtype, () => attrNumber(attrs, 'value'));
    case 'iota':
      return build(shape, dtype, ([i]) => i);
    case 'detach':
      return hostArray(a.data, shape, dtype);
    case 'reshape':
      return reshape(a, shape);
    case 'permute':
      return permute(a, attrs, shape);
    case 'broadcast':
      return broadcast(a, shape);
    case 'slice':
      return slice(a, attrs, shape);
    case 'windows':
      return windows(a, attrs, shape);
    case 'pad':
      return pad(a, attrs, shape);
    case 'concat':
      return concat(inputs, attrs, shape);
    case 'sum':
    case 'max':
    case 'argmax':
      return reduce(op.name, a, attrs, shape);
    case 'cumsum':
      return cumsum(a, attrs);
    case 'argsort':
      return argsort(a, attrs);
    case 'matmul':
      return matmul(a, b, attrs, shape);
    case 'gather':
      return gather(a, b, attrs, shape);
    case 'scatterAdd':
      return scatterAdd(a, b, c, attrs);
    case 'philox':
      return philox(attrs, a, shape);
    case 'normal':
      return normal(attrs, a, shape);
    case 'conv':
      return conv(rounded(a, attrs), rounded(b, attrs), attrs, shape);
    case 'convInput':
      return convInput(rounded(a, attrs), rounded(b, attrs), attrs, shape);
    case 'convWeight':
      return convWeight(rounded(a, attrs), rounded(b, attrs), attrs, shape);
    case 'maxPool':
      return maxPool(a, attrs, shape);
    case 'poolIndex':
      return poolIndex(a, attrs, shape);
    case 'poolSum':
      return poolSum(a, b, attrs, shape);
    case 'poolSpread':
      return poolSpread(a, b, attrs, shape);
    default:
      // The composites of N13 are the graphs that they stand for.
      if (op.expand) return evaluate([op.expand(n.inputs, attrs)], values)[0];
      throw new RangeError(`the reference has no value for a leaf or op named ${op.name}`);
  }
}
