/**
 * AssemblyScript: what a careful hand writes for sum((max(x/2 + y, 1/2) * x - y) / 2) under the contract: each result rounded
 * by itself and snapped (N0) where it could be tiny, summed in the order of N7. One pass over memory, 8 sums in registers.
 */

const LANES: usize = memory.data(64 * 4, 16);

/** N0; nothing here is NaN-canonical, since only the sum leaves. */
function snap(v: v128): v128 {
  return v128.andnot(v, i32x4.eq(v128.and(v, i32x4.splat(0x7f000000)), i32x4.splat(0)));
}

/** The chain for four elements, through the load rule of N7; what the rule zeroes needs no snap before it. */
function four(x: usize, y: usize): v128 {
  const half = f32x4.splat(0.5);
  const a = v128.load(x);
  const b = v128.load(y);
  const c = f32x4.pmax(snap(f32x4.add(snap(f32x4.mul(a, half)), b)), half);
  const d = f32x4.mul(snap(f32x4.sub(snap(f32x4.mul(c, a)), b)), half);
  return v128.andnot(d, i32x4.lt_s(v128.and(d, i32x4.splat(0x7fffffff)), i32x4.splat(0x0c800000)));
}

/** Half of the 64 lanes over a chunk of 2048. */
function half(x: usize, y: usize, lanes: usize): void {
  let v0 = i32x4.splat(0);
  let v1 = v0;
  let v2 = v0;
  let v3 = v0;
  let v4 = v0;
  let v5 = v0;
  let v6 = v0;
  let v7 = v0;
  const end = x + 8192;
  for (; x < end; x += 256, y += 256) {
    v0 = f32x4.add(v0, four(x, y));
    v1 = f32x4.add(v1, four(x + 16, y + 16));
    v2 = f32x4.add(v2, four(x + 32, y + 32));
    v3 = f32x4.add(v3, four(x + 48, y + 48));
    v4 = f32x4.add(v4, four(x + 64, y + 64));
    v5 = f32x4.add(v5, four(x + 80, y + 80));
    v6 = f32x4.add(v6, four(x + 96, y + 96));
    v7 = f32x4.add(v7, four(x + 112, y + 112));
  }
  v128.store(lanes, v0);
  v128.store(lanes, v1, 16);
  v128.store(lanes, v2, 32);
  v128.store(lanes, v3, 48);
  v128.store(lanes, v4, 64);
  v128.store(lanes, v5, 80);
  v128.store(lanes, v6, 96);
  v128.store(lanes, v7, 112);
}

/** The tree of N7 over the lanes. */
function tree(): f32 {
  for (let s: usize = 32; s > 0; s >>= 1) {
    for (let i: usize = 0; i < s; i++) {
      const p = LANES + (i << 2);
      store<f32>(p, load<f32>(p) + load<f32>(p + (s << 2)));
    }
  }
  return load<f32>(LANES);
}

/** R of a list in memory, without the load rule. */
function reduce(list: usize, n: usize): f32 {
  if (n > 2048) {
    let out: usize = 0;
    for (let at: usize = 0; at < n; at += 2048, out++) {
      store<f32>(list + (out << 2), reduce(list + (at << 2), min<usize>(2048, n - at)));
    }
    return reduce(list, out);
  }
  memory.fill(LANES, 0, 256);
  for (let i: usize = 0; i < n; i++) {
    const p = LANES + ((i & 63) << 2);
    store<f32>(p, load<f32>(p) + load<f32>(list + (i << 2)));
  }
  return tree();
}

/** x and y of n elements, n a multiple of 2048; `list` has room for n / 2048. */
export function chain(x: usize, y: usize, n: usize, list: usize): f32 {
  const chunks = n / 2048;
  for (let c: usize = 0; c < chunks; c++, x += 8192, y += 8192) {
    half(x, y, LANES);
    half(x + 128, y + 128, LANES + 128);
    store<f32>(list + (c << 2), tree());
  }
  return reduce(list, chunks);
}

export function nothing(): void {}
