/** The contract's functions on the host: f32 as JavaScript numbers, one rounding an operation (N10). */

export * from './basic.ts';
export * from './bits.ts';
export * from './cast.ts';
export * from './erf.ts';
export { exp } from './exp.ts';
export * from './host.ts';
export * from './integers.ts';
export { log } from './log.ts';
export * from './philox.ts';
export * from './pow.ts';
export * from './roots.ts';
export { ceil, floor, round, trunc } from './round.ts';
export { sigmoid } from './sigmoid.ts';
export * from './softplus.ts';
export * from './tanh.ts';
export { cos, sin } from './trig.ts';
