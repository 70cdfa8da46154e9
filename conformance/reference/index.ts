/** The plain reference: N0-N9 as nested loops, one rounding an operation, with no view, fusion or plan. It judges the engines. */

export { evaluate } from './evaluate.ts';
export { ReferenceGraph } from './graph.ts';
export { matmul } from './matmul.ts';
export { R } from './reduce.ts';
export { bitsAt, type Value } from './value.ts';
