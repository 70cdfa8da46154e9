/** Mutants that change no bit of any result, by id, each with the reason. */

export const EQUIVALENT: Readonly<Record<string, string>> = {};
