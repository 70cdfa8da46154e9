/** What the suites need of node:assert/strict, in a page or a worker. */

function show(v: unknown): string {
  if (v instanceof Uint8Array) return `${v.length} bytes [${v.slice(0, 16)}${v.length > 16 ? ', …' : ''}]`;
  return v instanceof Error ? String(v) : (JSON.stringify(v) ?? String(v));
}

function same(a: unknown, b: unknown): boolean {
  if (Object.is(a, b)) return true;
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false;
  if (Object.getPrototypeOf(a) !== Object.getPrototypeOf(b)) return false;
  if (a instanceof Uint8Array && b instanceof Uint8Array) {
    return a.length === b.length && a.every((v, i) => v === b[i]);
  }
  const [x, y] = [a, b] as [Record<string, unknown>, Record<string, unknown>];
  const keys = Object.keys(x);
  return keys.length === Object.keys(y).length && keys.every((k) => Object.hasOwn(y, k) && same(x[k], y[k]));
}

function check(ok: boolean, message: string | undefined, why: () => string): asserts ok {
  if (!ok) throw new Error(message === undefined ? why() : `${message}: ${why()}`);
}

type Matcher = RegExp | ((e: unknown) => boolean);

const assert = {
  ok(v: unknown, message?: string) {
    check(Boolean(v), message, () => `${show(v)} is not true`);
  },
  equal(got: unknown, want: unknown, message?: string) {
    check(Object.is(got, want), message, () => `got ${show(got)}, expected ${show(want)}`);
  },
  notEqual(got: unknown, other: unknown, message?: string) {
    check(!Object.is(got, other), message, () => `got ${show(got)}`);
  },
  deepEqual(got: unknown, want: unknown, message?: string) {
    check(same(got, want), message, () => `got ${show(got)}, expected ${show(want)}`);
  },
  fail(message: string) {
    throw new Error(message);
  },
  async rejects(work: Promise<unknown> | (() => Promise<unknown>), matches: Matcher, message?: string) {
    let thrown: { e: unknown } | undefined;
    try {
      await (typeof work === 'function' ? work() : work);
    } catch (e) {
      thrown = { e };
    }
    if (!thrown) throw new Error(`${message ?? 'expected an error'}: nothing was thrown`);
    const { e } = thrown;
    const ok = matches instanceof RegExp ? matches.test(String(e)) : matches(e);
    check(ok, message, () => `threw ${show(e)}`);
  },
};

export default assert;
