import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { DataError } from '../core/errors.ts';
import { type CsvReadOptions, readCsv, writeCsv } from './csv.ts';
import { shortest } from './decimal.ts';

const PYTHON = fileURLToPath(new URL('../../.venv/bin/python', import.meta.url));

/** Finite f32 numbers: edges, powers of two and ten with their neighbours, and a fixed walk over all patterns. */
function floats(): Float32Array {
  const bits: number[] = [0, 0x80000000, 1, 0x007fffff, 0x00800000, 0x7f7fffff, 0xff7fffff];
  for (let e = 1; e < 255; e++) bits.push(e << 23, (e << 23) - 1, (e << 23) + 1);
  for (let e = -45; e <= 38; e++) {
    const [u] = new Uint32Array(Float32Array.of(Number(`1e${e}`)).buffer);
    bits.push(u - 1, u, u + 1);
  }
  for (let i = 0, u = 12345; i < 20000; i++) {
    u = (Math.imul(u, 1664525) + 1013904223) >>> 0;
    bits.push(u);
  }
  const all = new Float32Array(Uint32Array.from(bits).buffer);
  return all.filter((v) => Number.isFinite(v));
}

const bitsOf = (a: Float32Array) => new Uint32Array(a.buffer, a.byteOffset, a.length);

test('floats written and read back keep every bit', () => {
  const data = floats();
  const n = data.length - (data.length % 3);
  const text = writeCsv({ data: data.subarray(0, n), shape: [n / 3, 3], dtype: 'f32' });
  assert.deepEqual(bitsOf(readCsv(text).data.data), bitsOf(data.subarray(0, n)));
});

test('decimals are written as people write them', () => {
  const pairs: [number, string][] = [
    [0.1, '0.1'],
    [1 / 3, '0.33333334'],
    [16777216, '16777216'],
    [1e-45, '1e-45'],
    [-2.5, '-2.5'],
    [2 ** -96, '1.2621775e-29'],
    [-0, '-0'],
  ];
  for (const [v, text] of pairs) assert.equal(shortest(Math.fround(v)), text);
});

test('RFC 4180: quotes, doubled quotes, delimiters and breaks in names, CRLF and LF, the last break optional', () => {
  const text = 'a,"b, ""c""\r\nd"\r\n1,"2.5"\n-3e-1, +.5 ';
  const { columns, data } = readCsv(text, { header: true });
  assert.deepEqual(columns, ['a', 'b, "c"\r\nd']);
  assert.deepEqual(data, { data: Float32Array.of(1, 2.5, -0.3, 0.5), shape: [2, 2], dtype: 'f32' });
  assert.deepEqual(readCsv('\uFEFF1;2\n3;4\n', { delimiter: ';' }).data.shape, [2, 2]);
  const names = ['plain', 'with "quotes"', 'comma, and\nbreak'];
  const written = writeCsv({ data: Int32Array.of(1, -2, 3), shape: [1, 3], dtype: 'i32' }, { columns: names });
  assert.deepEqual(readCsv(written, { header: true }), {
    columns: names,
    data: { data: Float32Array.of(1, -2, 3), shape: [1, 3], dtype: 'f32' },
  });
});

test('errors say line and column', () => {
  const cases: [string, number, number, CsvReadOptions?][] = [
    ['1,2\n3,x\n', 2, 3],
    ['1,2\n3\n', 2, 1],
    ['1,2\n3,4,5\n', 2, 5],
    ['1,\n', 1, 3],
    ['1,', 1, 3],
    ['1\n\n2\n', 2, 1],
    ['1,nan', 1, 3],
    ['1,0x10', 1, 3],
    ['1,1e39', 1, 3],
    ['1,2e', 1, 3],
    ['1,"2', 1, 3],
    ['1,"2"3', 1, 6],
    ['1,2"3"', 1, 4],
    ['"a\nb",c\n1,y', 3, 3, { header: true }],
    ['', 1, 1],
    ['a,b\n', 1, 1, { header: true }],
  ];
  for (const [text, line, column, o] of cases) {
    assert.throws(
      () => readCsv(text, o),
      (e: unknown) => {
        assert.ok(e instanceof DataError, String(e));
        assert.deepEqual(e.details, { line, column }, JSON.stringify(text));
        return true;
      },
    );
  }
});

test('what cannot be read back is not written', () => {
  const nan = { data: Float32Array.of(1, Number.NaN), shape: [1, 2], dtype: 'f32' } as const;
  assert.throws(() => writeCsv(nan), DataError);
  assert.throws(() => writeCsv({ ...nan, shape: [2] }), DataError);
  assert.throws(() => writeCsv({ data: new Float32Array(0), shape: [0, 2], dtype: 'f32' }), DataError);
  const one = { data: Float32Array.of(1), shape: [1, 1], dtype: 'f32' } as const;
  assert.throws(() => writeCsv(one, { columns: ['a', 'b'] }), DataError);
});

test('numpy reads the same bits and finds no shorter decimals', () => {
  const dir = mkdtempSync(join(tmpdir(), 'csv-'));
  try {
    const data = floats();
    writeFileSync(join(dir, 'ours.csv'), writeCsv({ data, shape: [data.length, 1], dtype: 'f32' }));
    writeFileSync(join(dir, 'bits.bin'), new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
    const program = `
import numpy as np
text = open('ours.csv').read().split()
want = np.fromfile('bits.bin', dtype='<f4')
got = np.array([np.float32(t) for t in text])
assert (got.view('<u4') == want.view('<u4')).all()
digits = lambda s: len(s.lower().split('e')[0].replace('-', '').replace('.', '').strip('0'))
for t, v in zip(text, want):
    shortest = np.format_float_scientific(v, unique=True)
    ends = [(float(v) + float(np.nextafter(v, np.float32(to)))) / 2 for to in ('inf', '-inf')]
    assert digits(t) <= digits(shortest) or float(shortest) in ends, (t, shortest)
`;
    execFileSync(PYTHON, ['-c', program], { cwd: dir, stdio: ['ignore', 'pipe', 'pipe'] });
  } finally {
    rmSync(dir, { recursive: true });
  }
});
