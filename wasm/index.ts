/** The kernels' exports. Memory is the host's to grow and to fill from heapBase() on. */
import { REGISTER_BASE } from './constants';
import { share } from './own';

export { admit } from './admit';
export { run } from './run';

/** Address of block register 0. */
export function registers(): usize {
  return REGISTER_BASE;
}

/** The first byte that belongs to the host, with so many threads. */
export function heapBase(threads: usize): usize {
  return threads * share();
}
