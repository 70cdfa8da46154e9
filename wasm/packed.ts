/**
 * B packed once for all rows of a product that has several blocks of them: all chunks of as many columns as the record says, into
 * scratch that all threads share, by tasks of its own.
 *
 * The scratch begins with what it holds, [address of B in this batch, first column, batch]. Behind lie the chunks, in each the
 * panels of 8 columns, a multiple of 4 steps of k long: so none is written into by the one before it (pack.ts).
 */
import { packB, packBs } from './pack';
import { word } from './words';

const TERMS: usize = 256;
const HEAD: usize = 64;

/** Bytes from one panel of k steps to the next. */
@inline
export function pitchOf(k: usize): usize {
  return ((k + 3) & ~3) << 5;
}

/** From here on the scratch at `packed` is for columns from `first` on, of B at `b` in this batch. */
export function hold(packed: usize, b: usize, first: usize, batch: usize): void {
  store<usize>(packed, b);
  store<usize>(packed, first, 4);
  store<usize>(packed, batch, 8);
}

/** Columns that the scratch of a record holds now. */
@inline
export function held(r: usize): usize {
  return min(word(r, 16), word(r, 3) - word(word(r, 15), 1));
}

/** The panel of column j (of those that are held) in the chunk of k terms from k0 on. */
@inline
export function panelAt(r: usize, j: usize, k0: usize, k: usize): usize {
  return word(r, 15) + HEAD + (k0 << 2) * ((held(r) + 7) & ~7) + (j >> 3) * pitchOf(k);
}

/** Packs columns [from, to) of those that are held; `from` is a multiple of 8. */
export function packColumns(r: usize, from: usize, to: usize): void {
  const packed = word(r, 15);
  const terms = word(r, 4);
  const bRow = word(r, 9) << 2;
  const bCol = word(r, 10) << 2;
  const b = word(packed, 0) + word(packed, 1) * bCol;
  for (let k0: usize = 0; k0 < terms; k0 += TERMS) {
    const k = min(TERMS, terms - k0);
    const pitch = pitchOf(k);
    let src = b + k0 * bRow + from * bCol;
    let dst = panelAt(r, from, k0, k);
    let j = from;
    for (; bCol == 4 && j + 32 <= to; j += 32, src += 128, dst += pitch << 2) packBs(dst, pitch, src, bRow, k);
    for (; j < to; j += 8, src += bCol << 3, dst += pitch) {
      const columns = min<usize>(8, to - j);
      if (columns > 4) packB(8, dst, src, bRow, bCol, columns, k);
      else packB(4, dst, src, bRow, bCol, columns, k);
    }
  }
}
