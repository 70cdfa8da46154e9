/** A program under construction: words, and the places that hold an address which is known only when it runs. */

/** What an address counts from: a binding's number, or one of these. */
export const BASE = { plan: -1, arena: -2, registers: -3 } as const;

export interface Relocation {
  readonly word: number;
  readonly base: number;
  readonly addend: number;
}

export class Words {
  readonly data: number[] = [];
  readonly relocations: Relocation[] = [];

  push(...words: number[]): void {
    this.data.push(...words);
  }
  address(base: number, addend: number): void {
    this.relocations.push({ word: this.data.length, base, addend });
    this.data.push(0);
  }
  /** A word to be filled with the plan-relative address of a block appended later. */
  forward(): (blockWord: number) => void {
    const word = this.data.length;
    this.data.push(0);
    return (blockWord) => this.relocations.push({ word, base: BASE.plan, addend: blockWord * 4 });
  }
}
