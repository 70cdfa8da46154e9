/** A part of the torture: what it takes, and what it does. */

/** Options by name, with their defaults, whose type is the option's own. */
export type Defaults = Readonly<Record<string, number | string>>;

type Widened<O extends Defaults> = { readonly [K in keyof O]: O[K] extends number ? number : string };

export interface Part {
  readonly options: Defaults;
  /** True where everything held. Says what it did and found; failures with what reprints them. */
  run(options: Defaults, say: (line: string) => void): Promise<boolean>;
}

/** A part whose `run` knows its options by name. */
export function part<const O extends Defaults>(
  options: O,
  run: (o: Widened<O>, say: (line: string) => void) => Promise<boolean>,
): Part {
  return { options, run: (o, say) => run(o as Widened<O>, say) };
}
