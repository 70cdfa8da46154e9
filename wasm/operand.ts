/** The operand of a reduction: contiguous memory, or what a program leaves in a block register. */
import { ewBlock } from './interpreter';
import { own } from './own';

/** Where elements [e0, e0+n) are. With a program n <= BLOCK, and they stay there until the next call. */
@inline
export function operand(prog: usize, src: usize, e0: usize, n: usize): usize {
  if (prog == 0) return src + (e0 << 2);
  ewBlock(prog, e0, n);
  return own(src);
}
