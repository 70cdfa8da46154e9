/**
 * Which units wait for which, kept transitively as bits while units grow and merge: fusing may not make two units wait for each
 * other, and asking that by walking the graph would cost the square of its size.
 */
export class Reach<U> {
  readonly #words: number;
  readonly #ids = new Map<U, number>();
  readonly #bits: Uint32Array[] = [];

  /** For at most `capacity` units. */
  constructor(capacity: number) {
    this.#words = Math.ceil(capacity / 32);
  }

  add(u: U): void {
    this.#ids.set(u, this.#bits.length);
    this.#bits.push(new Uint32Array(this.#words));
  }

  /** True when `u` waits for `target`, directly or not, or is it. */
  needs(u: U, target: U): boolean {
    return u === target || this.#has(this.#bits[this.#ids.get(u)!], this.#ids.get(target)!);
  }

  /** From now on `u` waits for `others`, and so does all that waits for `u`. */
  wait(u: U, others: Iterable<U>): void {
    const id = this.#ids.get(u)!;
    const mine = this.#bits[id];
    for (const other of others) {
      const o = this.#ids.get(other)!;
      if (o === id || this.#has(mine, o)) continue;
      mine[o >>> 5] |= 1 << (o & 31);
      or(mine, this.#bits[o]);
    }
    this.#spread(id);
  }

  /** `gone` becomes part of `u`. */
  merge(u: U, gone: U): void {
    const [id, old] = [this.#ids.get(u)!, this.#ids.get(gone)!];
    or(this.#bits[id], this.#bits[old]);
    this.#bits.forEach((b) => {
      if (this.#has(b, old)) b[id >>> 5] |= 1 << (id & 31);
    });
    this.#clear(id, id);
    this.#clear(id, old);
    this.#spread(id);
  }

  #spread(id: number): void {
    const mine = this.#bits[id];
    this.#bits.forEach((b) => {
      if (b !== mine && this.#has(b, id)) or(b, mine);
    });
  }
  #has(b: Uint32Array, id: number): boolean {
    return ((b[id >>> 5] >>> (id & 31)) & 1) === 1;
  }
  #clear(of: number, id: number): void {
    this.#bits[of][id >>> 5] &= ~(1 << (id & 31));
  }
}

function or(into: Uint32Array, from: Uint32Array): void {
  for (let i = 0; i < into.length; i++) into[i] |= from[i];
}
