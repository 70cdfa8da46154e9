/** Mutants that change no bit of any result, each with the reason. */

interface Equivalent {
  readonly id: RegExp;
  readonly reason: string;
}

const same = (id: RegExp, reason: string): Equivalent => ({ id, reason });

const EQUIVALENT: readonly Equivalent[] = [
  same(
    /(\w) >= 0x80000000u.*->.*\1 > 0x80000000u/,
    '80000000 is -0, which is not canonical: no value has this pattern',
  ),
  same(/0x7fc00000u.*->.*0x7fc00001u/, 'inside a kernel a NaN may have any pattern'),
  same(/^wgsl (quotient|isqrt): let low = .*-> .*<= 0/, 'the step down is undone by the step up that follows'),
  same(/^wgsl quotient: let high = .*-> .*> n/, 'r = n is rounded up by div and ratio, to the same quotient'),
  same(/^wgsl isqrt: let high = .*-> .*>= 2/, 'r = 2s is rounded up by the last line, to the same root'),
  same(/^wgsl idiv: let y = .*2 \* t\.r >= /, 'no tie can arise between 24-bit significands'),
  same(/^wgsl ratio: let s = /, 'a = b and 2a = b give a power of two in either scale'),
  same(/^wgsl (quotient|isqrt): .*floor\(.*-> .*trunc\(/, 'a seed one off is corrected by the residual'),
  same(/^wgsl (exp|tanh|sigmoid|erf): .*select\((\w+|u), (0x\w+), \1 > \2\)/, 'the limit is replaced by itself'),
  same(/^wgsl (exp|tanh|sigmoid|erf): .* > (0x\w+).* -> .* >= \2/, 'the limit is replaced by itself'),
  same(/^wgsl exp: .*0x42b17217u, above.*0x42b17216u, above/, 'what is above gives Inf, whatever the polynomial gives'),
  same(/^wgsl tanh: .*magnitude < 0x3f200000u.*<= 0x3f200000u/, 'both methods give 3f0dfa3f at 0.625'),
  same(/^wgsl erfSmall: .*t < 0x21000000u.*t <= 0x21000000u/, 'scaled or not, nothing is flushed at 2^-61'),
  same(/^wgsl sigmoid: .*< 0x01000000.*<= 0x01000000/, 'the least result above 0 is 0100001a, at c2ad496b'),
  same(/^wgsl turned: .*<= 0x46000000u.*< 0x46000000u/, 'both reductions agree at 8192'),
  same(/^wgsl rp: .*p1 < low.*p1 <= low/, 'no 32 bits of 2/pi begin with 23 zeros, so the high word is never 0'),
  same(/^wgsl (floor|ceil|trunc|round): .*>= 0x4b000000u.*> 0x4b000000u/, '2^23 is an integer'),
  same(/^wgsl floor: .*S\(bitcast/, 'a floor is an integer, and +0 from above'),
  same(/^wgsl log: var y = S\(/, 'log of a number is +0 or at least 2^-25 in size'),
  same(/^wgsl (tanh|softplus): return select\(S\(/, 'the result is +0, or not below its operand of 2^-125 or more'),
  same(/^wgsl kern: return S\(/, 'it is 0 for x = 0 alone, where q is 0, and else not below 2^-125'),
  same(/^wgsl unit: return S\(/, 'a multiple of 2^-24'),
  same(/^wgsl max: .*>.*>=/, 'equal keys are equal patterns, or NaN'),
  same(/^wgsl min: .* < .*<=/, 'equal keys are equal patterns, or NaN'),
  same(/^wgsl whole: .*e >= 0.*e > 0/, 'a shift by 0 either way'),
  same(/^wgsl pow: .*b < 0x4b800000u.*b <= 0x4b800000u/, '2^24 is even and whole by either rule'),
  same(/^wgsl f2h: .*a >= 0x38800000u.*a > 0x38800000u/, '2^-14 is the same by either rule'),
  same(/^wgsl f2h: .*a >= 0x477ff000u.*a > 0x477ff000u/, '65520 is a tie that rounds up to Inf'),
  same(/^wgsl h2f: .*0x7fffffu.*0x7ffffeu/, 'ten bits at the top: the last is 0'),
  same(
    /^kernel (matmul(Wide|Packed)?|parts|sumF32): .* = S\(/,
    'sums are 0 or at least 2^-125; the sign of a zero, which D2 leaves open, is + here',
  ),
  same(
    /^kernel cumsum\w+: return S\(/,
    'sums are 0 or at least 2^-125; the sign of a zero, which D2 leaves open, is + here',
  ),
  same(/^kernel cumsumCarry: if \(i >= /, 'one more element goes into the slack behind the scratch'),
  same(/^kernel matmul(Wide|Packed)?: if \(row >= m/, 'the tiles beyond the edge compute and store nothing'),
  same(
    /^kernel matmul(Exact)?: pcJ = .*(1u, pcJ ==|params\[9\]\.x)/,
    'in a tile of 4 columns the middle coordinate goes on once at most, and what it is set to then is not read',
  ),
  same(/^kernel sumF32: .*lane < s;.*lane <= s;/, 'the lane beyond is not read again'),
  same(
    /^kernel scatter\w+: for \(var lane = 0u; lane < live - s/,
    'lanes beyond the last are +0, and are not read again',
  ),
  same(/^kernel scatter\w+: if \(live <= s\).*live < s/, 'no lane is added'),
  same(
    /^kernel scatterStarts: var high = .*params\[0\]\.w/,
    'behind the keys of a list lie ffffffff: none is below a place',
  ),
  same(/^kernel scatter\w+: var live = .*65u/, 'the lane beyond the last is not read again'),
  same(
    /^kernel scatterLong: .*(\btwo\b|\brows\b|chunks == 2048u|one\[lane\])/,
    'a third level begins behind 2048 x 2048 sources; sdk/engine/webgpu/scatter.test.ts makes it 128 x 128, and compares',
  ),
  same(
    /^kernel scatterLong: var chunks = .*1u/,
    'lanes of a tree may be turned; where a third level begins is tried by sdk/engine/webgpu/scatter.test.ts',
  ),
  same(/^kernel sortPass: if \(params\[2\]\.w > 0u.*>= 0u/, 'a pass has a step at least'),
  same(/^kernel scatter(Few|Sorted): .*if \((float && found|count) > 0u.*(found|count) >= 0u/, 'base + 0 is base'),
  same(/^kernel max: let count = .*2049u/, 'an element that two chunks share is the same candidate twice'),
  same(/^kernel max: var (best|index|bestKey) = /, 'the first element replaces it'),
  same(
    /^kernel max: if \(params\[1\]\.w != 0u\).*if \(params\[2\]\.x != 0u\)/,
    'where there are indices their place is not 0',
  ),
];

/** Why no test can catch a mutant; null where it must be caught. */
export const reasonFor = (id: string): string | null => EQUIVALENT.find((e) => e.id.test(id))?.reason ?? null;
