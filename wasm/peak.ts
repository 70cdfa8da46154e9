/** AssemblyScript: multiplies and adds in registers only, the ceiling of a contraction without fused multiply-add. */

/** `turns` times 6 vector multiplies and 6 vector adds, 48 flops, in chains long enough to fill the pipes; x is 1. */
export function peak(turns: i32, x: f32): f32 {
  const one = f32x4.splat(x);
  let m0 = one, m1 = one, m2 = one, m3 = one, m4 = one, m5 = one;
  let c0 = one, c1 = one, c2 = one, c3 = one, c4 = one, c5 = one;
  for (; turns != 0; turns--) {
    c0 = f32x4.add(c0, m0);
    c1 = f32x4.add(c1, m1);
    c2 = f32x4.add(c2, m2);
    c3 = f32x4.add(c3, m3);
    c4 = f32x4.add(c4, m4);
    c5 = f32x4.add(c5, m5);
    m0 = f32x4.mul(m0, one);
    m1 = f32x4.mul(m1, one);
    m2 = f32x4.mul(m2, one);
    m3 = f32x4.mul(m3, one);
    m4 = f32x4.mul(m4, one);
    m5 = f32x4.mul(m5, one);
  }
  const c = f32x4.add(f32x4.add(f32x4.add(c0, c1), f32x4.add(c2, c3)), f32x4.add(c4, c5));
  return f32x4.extract_lane(c, 0) + f32x4.extract_lane(c, 1) + f32x4.extract_lane(c, 2) + f32x4.extract_lane(c, 3);
}
