/** The i-th word of a record or a program row, as an address, a length or a stride in this 32-bit memory. */
@inline
export function word(p: usize, i: usize): usize {
  return load<usize>(p + (i << 2));
}
