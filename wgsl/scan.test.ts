/** The scanner: what it refuses, what it lets pass, and that every function of the scalar IR passes. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SCALAR_OPS } from '../sdk/core/scalar/ir.ts';
import { canonical, FUNCTIONS, guard, include, leaf, normal4, order, type Wgsl, window } from './functions/index.ts';
import { scan } from './scan.ts';

const PRELUDE = `
@group(0) @binding(0) var<storage, read_write> zero: array<u32>;
var<private> gz: u32;
fn G(x: f32) -> f32 { return bitcast<f32>(bitcast<u32>(x) ^ gz); }
`;
const inFunction = (body: string): string =>
  `${PRELUDE}fn f(a: f32, b: f32, u: u32, i: i32, v: vec4<f32>, w: vec4<u32>) -> f32 {\n${body}\nreturn a;\n}`;
const messages = (code: string): string[] => scan(code).map((f) => f.message);

test('every function passes', () => {
  for (const name of SCALAR_OPS) assert.deepEqual(scan(include([guard, ...FUNCTIONS[name].needs])), [], name);
  assert.deepEqual(scan(include([guard, canonical, window, leaf, order, normal4])), []);
});

/** Each piece once, as the code of all that it needs and where its own code begins in that. */
function pieces(): { code: string; from: number }[] {
  const all = new Set<Wgsl>();
  const add = (p: Wgsl): void => {
    p.needs.forEach(add);
    all.add(p);
  };
  for (const name of SCALAR_OPS) FUNCTIONS[name].needs.forEach(add);
  all.delete(guard);
  return [...all].map((p) => {
    const code = include([guard, p]);
    return { code, from: code.length - p.code.length - 1 };
  });
}

test('every unguarded rounding in them would be found', () => {
  let tried = 0;
  for (const { code, from } of pieces()) {
    for (const { index } of code.slice(from).matchAll(/\bG\(/g)) {
      const at = from + index;
      assert.notDeepEqual(scan(code.slice(0, at) + code.slice(at + 1)), [], code.slice(at, at + 60));
      tried++;
    }
  }
  assert.ok(tried > 100, `${tried}`);
});

test('every mark in them is needed', () => {
  let tried = 0;
  for (const { code, from } of pieces()) {
    for (const { index } of code.slice(from).matchAll(/\/\/ (exact|seed)/g)) {
      const at = from + index;
      assert.notDeepEqual(scan(code.slice(0, at) + code.slice(code.indexOf('\n', at))), [], code.slice(at, at + 60));
      tried++;
    }
  }
  assert.ok(tried > 10, `${tried}`);
});

const REFUSED: Readonly<Record<string, string>> = {
  'let x = a + b;': 'a sum without a guard',
  'let x = G(a + b) - a;': 'a sum without a guard',
  'let x = G(a * b + a);': 'a product without a guard',
  'let x = G((a + b) + a);': 'a sum without a guard',
  'var x = a; x += b;': 'without a guard',
  'let x = v * 2.0;': 'a product without a guard',
  'let x = G(a * 0.0);': 'a literal 0 as a factor',
  'let x = G(bitcast<f32>(0u) * b);': 'a literal 0 as a factor',
  'let x = G(a - a);': 'hidden by',
  'let x = G(G(a));': 'cancel',
  'let x = u ^ gz;': 'only the guard',
  'let x = -a;': 'sign bit',
  'let x = a != a;': 'NaN is tested on integers',
  'let x = a / b;': 'only a seed',
  'let x = sqrt(a);': 'only a seed',
  'let x = a % b;': '% of f32',
  'let x = exp(a);': 'not a builtin',
  'let x = dot(v, v);': 'not a builtin',
  'let x = fma(a, b, a);': 'not a builtin',
  'let x = inverseSqrt(a);': 'not a builtin',
  'let x = pack2x16float(v.xy);': 'not a builtin',
  'let x = subgroupAdd(a);': 'not a builtin',
  'let x = max(a, b);': 'max of f32',
  'let x = abs(a);': 'abs of f32',
  'let x = G(a * 0.1);': 'is no f32',
  'let x = unknown * 2;': 'a product without a guard',
  'let x = a * b; // exact:': 'a product without a guard',
  'let x = a + b; // exact: it is not': 'a sum without a guard',
  'let x = floor(a * b); // exact: so it says': 'a product without a guard',
  'gz = 1u;': 'assigned',
  'let gz = 1u;': 'declared again',
};

test('what N2 forbids is refused', () => {
  for (const [body, expected] of Object.entries(REFUSED)) {
    const found = messages(inFunction(body));
    assert.ok(
      found.some((m) => m.includes(expected)),
      `${body} gave ${JSON.stringify(found)}`,
    );
  }
});

const ALLOWED = [
  'let x = G(a + b);',
  'let x = G(G(a * b) + a);',
  'let x = G(a - bitcast<f32>(bitcast<u32>(a) | gz));',
  'let x = G(a - round(a * 2.0)); // exact: a power of two',
  '// exact: a power of two\nlet x = G(a + 2.0 * b);',
  'let x = i32(floor(a / b)); // seed',
  'let x = u + 3u * (u >> 2u); let y = i - 2; let z = -i; var k = u; k += x; k++;',
  'let x = max(u, 3u) + min(w.x, u); let y = abs(i) % 3;',
  'let x = w * 2u + vec4<u32>(u); let y = select(w, x, w > x);',
  'for (var k = 0u; k < 4u; k++) { let x = w[k] * k; if (x > 3u) { continue; } else if (x == 2u) { break; } }',
  'switch (u) { case 1u, 2u: { let x = u + 1u; } default: { let x = u - 1u; } }',
  'var list = array<u32, 4>(1u, 2u, 3u, 4u); let x = list[u & 3u] + 1u;',
  'let x = a < b; let y = a >= b; let z = (u >> 3u) >= 2u;',
  'let x = f32(i) == a; let y = bitcast<i32>(a) - 1;',
];

test('what N2 allows passes', () => {
  for (const body of ALLOWED) assert.deepEqual(scan(inFunction(body)), [], body);
});

test('a guard is the guard, and an entry point reads gz first, from memory that may be written', () => {
  const entry = (body: string, space = 'storage, read_write'): string =>
    `${PRELUDE.replace('storage, read_write', space)}@compute @workgroup_size(64) fn main() {\n${body}\n}`;
  assert.deepEqual(scan(entry('gz = zero[0];')), []);
  for (const body of ['', 'let x = 1u; gz = zero[0];', 'gz = 0u;', 'gz = zero[0]; gz = 0u;'])
    assert.notDeepEqual(scan(entry(body)), [], body);
  assert.match(messages(entry('gz = zero[0];', 'storage, read'))[0], /must begin/);
  assert.match(messages(PRELUDE.replace('^ gz', '^ 0u'))[0], /not the guard/);
  const four = 'fn G4(x: vec4<f32>) -> vec4<f32> { return bitcast<vec4<f32>>(bitcast<vec4<u32>>(x) ^ vec4<u32>(gz)); }';
  assert.deepEqual(scan(`${PRELUDE}${four} fn f(v: vec4<f32>) -> vec4<f32> { return G4(v * v); }`), []);
});

test('what cannot be read is an error, and half types are refused', () => {
  assert.throws(() => scan('fn f( {'), SyntaxError);
  assert.throws(() => scan('fn f() { let x = 1 $ 2; }'), SyntaxError);
  assert.notDeepEqual(scan('enable f16;'), []);
  assert.notDeepEqual(scan('fn f(a: f16) {}'), []);
  assert.notDeepEqual(scan('fn f(a: mat2x2<f32>) {}'), []);
});
