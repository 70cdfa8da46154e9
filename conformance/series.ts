/** Truncated Taylor series in doubles: the oracle of the derivative tests, from closed forms only. */

/** Coefficients of 1, t, t^2, t^3. */
export type Series = readonly [number, number, number, number];
export type Many = readonly Series[];

export const plus = (a: Series, b: Series): Series => [a[0] + b[0], a[1] + b[1], a[2] + b[2], a[3] + b[3]];
export const times = (a: Series, b: Series): Series => [
  a[0] * b[0],
  a[0] * b[1] + a[1] * b[0],
  a[0] * b[2] + a[1] * b[1] + a[2] * b[0],
  a[0] * b[3] + a[1] * b[2] + a[2] * b[1] + a[3] * b[0],
];
export const flat = (c: number): Series => [c, 0, 0, 0];
export const minus = (a: Series): Series => times(flat(-1), a);
export const total = (list: Many): Series => list.reduce(plus, flat(0));

/** Taylor coefficients of a function of a series from its value and three derivatives at a[0]. */
export function through(a: Series, d: (x: number) => readonly number[]): Series {
  const [y, d1, d2, d3] = d(a[0]);
  const h: Series = [0, a[1], a[2], a[3]];
  const h2 = times(h, h);
  return plus(flat(y), plus(times(flat(d1), h), plus(times(flat(d2 / 2), h2), times(flat(d3 / 6), times(h2, h)))));
}

export const sigma = (x: number) => 1 / (1 + Math.exp(-x));
export const logistic = (x: number) => {
  const s = sigma(x);
  const d = s * (1 - s);
  return [s, d, d * (1 - 2 * s), d * (1 - 6 * s + 6 * s * s)];
};
export const EXP = (x: number) => [Math.exp(x), Math.exp(x), Math.exp(x), Math.exp(x)];
export const LOG = (x: number) => [Math.log(x), 1 / x, -1 / x ** 2, 2 / x ** 3];
export const power = (p: number) => (x: number) => [
  x ** p,
  p * x ** (p - 1),
  p * (p - 1) * x ** (p - 2),
  p * (p - 1) * (p - 2) * x ** (p - 3),
];
/** Derivatives of erf are Hermite polynomials times a Gaussian; the value comes from Simpson's rule. */
export function ERF(x: number) {
  const c = 2 / Math.sqrt(Math.PI);
  const n = 400;
  let s = 0;
  for (let i = 0; i <= n; i++) s += (i === 0 || i === n ? 1 : i % 2 ? 4 : 2) * Math.exp(-(((x * i) / n) ** 2));
  const g = c * Math.exp(-x * x);
  return [(c * s * x) / n / 3, g, -2 * x * g, (4 * x * x - 2) * g];
}
export const TANH = (x: number) => {
  const y = Math.tanh(x);
  const d = 1 - y * y;
  return [y, d, -2 * y * d, d * (6 * y * y - 2)];
};
export const over = (a: Series, b: Series): Series => times(a, through(b, power(-1)));
