/** Options of layers, optimisers and trainers: one table a component, which names each option and what it takes. */

import { OptionError } from './errors.ts';

/** What an option takes: in words for the message, and as a test. */
export interface Rule {
  readonly expects: string;
  readonly required?: boolean;
  ok(value: unknown): boolean;
}

/** A rule for every option of O; a missing or an extra one does not compile. */
export type OptionTable<O> = { readonly [K in keyof Required<O>]: Rule };

/**
 * Checks options against their table; an option that is `undefined` counts as not given.
 * @throws OptionError for an unknown option, a missing one, and a value its rule refuses.
 */
export function checkOptions<O extends object>(what: string, table: OptionTable<O>, given: O): void {
  if (typeof given !== 'object' || given === null) {
    throw new OptionError(`${what}: options must be an object, got ${show(given)}`, {
      hint: `Options are ${Object.keys(table).join(', ')}.`,
    });
  }
  const rules = new Map<string, Rule>(Object.entries(table));
  for (const name of Object.keys(given)) {
    if (rules.has(name)) continue;
    throw new OptionError(`${what}: unknown option ${name}`, {
      hint: `Options are ${[...rules.keys()].join(', ')}.`,
      details: { option: name },
    });
  }
  const values = new Map<string, unknown>(Object.entries(given));
  for (const [name, rule] of rules) {
    const value = values.get(name);
    if (value === undefined ? !rule.required : rule.ok(value)) continue;
    throw new OptionError(`${what}: ${name} must be ${rule.expects}, got ${show(value)}`, {
      hint: value === undefined ? `Give ${what} the option ${name}.` : `Change ${name}.`,
      details: { option: name, value },
    });
  }
}

const show = (v: unknown): string =>
  typeof v === 'number' || typeof v === 'bigint' || v === undefined || v === null
    ? String(v)
    : typeof v === 'function'
      ? 'a function'
      : (JSON.stringify(v) ?? String(v));

const number = (expects: string, ok: (v: number) => boolean): Rule => ({
  expects,
  ok: (v) => typeof v === 'number' && Number.isFinite(v) && ok(v),
});

export const positive = number('a number above 0', (v) => v > 0);
export const nonNegative = number('a number from 0 up', (v) => v >= 0);
export const finite = number('a finite number', () => true);
/** From 0 to below 1. */
export const fraction = number('a number from 0 to below 1', (v) => v >= 0 && v < 1);
/** From 1 up. */
export const count = number('an integer from 1 up', (v) => Number.isSafeInteger(v) && v >= 1);
export const index = number('an integer from 0 up', (v) => Number.isSafeInteger(v) && v >= 0);
export const flag: Rule = { expects: 'true or false', ok: (v) => typeof v === 'boolean' };
export const callable = (expects: string): Rule => ({ expects, ok: (v) => typeof v === 'function' });
/** For what is checked elsewhere, or may be in no message. */
export const anything: Rule = { expects: 'anything', ok: () => true };
export const object = (expects: string): Rule => ({ expects, ok: (v) => typeof v === 'object' && v !== null });
export const oneOf = (...values: readonly string[]): Rule => ({
  expects: values.map((v) => `'${v}'`).join(' or '),
  ok: (v) => typeof v === 'string' && values.includes(v),
});

/** The same rule for an option that must be given. */
export const required = (rule: Rule): Rule => ({ ...rule, required: true });

/** Options where what was not given is taken from `defaults`; others than those are left out. */
export function filled<O extends object>(defaults: Required<O>, o: O): Required<O> {
  const given = new Map<string, unknown>(Object.entries(o));
  return Object.fromEntries(Object.entries(defaults).map(([name, v]) => [name, given.get(name) ?? v])) as Required<O>;
}
