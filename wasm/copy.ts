/** Copies that write exactly what they are asked to; reads may run up to 64 bytes past the end. */

/** Copies n elements of 4 bytes, ascending. */
@inline
export function copyExact(dst: usize, src: usize, n: usize): void {
  const end = dst + (n << 2);
  const wide = dst + ((n & ~15) << 2);
  for (; dst < wide; dst += 64, src += 64) {
    v128.store(dst, v128.load(src));
    v128.store(dst, v128.load(src, 16), 16);
    v128.store(dst, v128.load(src, 32), 32);
    v128.store(dst, v128.load(src, 48), 48);
  }
  copyRest(dst, src, end);
}

@inline
function copyRest(dst: usize, src: usize, end: usize): void {
  for (; dst + 16 <= end; dst += 16, src += 16) v128.store(dst, v128.load(src));
  for (; dst < end; dst += 4, src += 4) store<u32>(dst, load<u32>(src));
}

/** Copies n elements and up to 3 more: for block registers only. */
@inline
export function copyRounded(dst: usize, src: usize, n: usize): void {
  const end = dst + (n << 2);
  for (; dst < end; dst += 16, src += 16) v128.store(dst, v128.load(src));
}

/** n copies of one element, and up to 3 more: for block registers only. */
@inline
export function fillRounded(dst: usize, x: v128, n: usize): void {
  const end = dst + (n << 2);
  for (; dst < end; dst += 16) v128.store(dst, x);
}

/** n copies of one element, exactly. */
@inline
export function fillExact(dst: usize, word: u32, n: usize): void {
  const end = dst + (n << 2);
  const x = i32x4.splat(word);
  for (; dst + 16 <= end; dst += 16) v128.store(dst, x);
  for (; dst < end; dst += 4) store<u32>(dst, word);
}
