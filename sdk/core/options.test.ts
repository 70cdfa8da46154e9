import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkOptions, count, flag, fraction, type OptionTable, oneOf, positive, required } from './options.ts';

interface Options {
  size: number;
  rate?: number;
  share?: number;
  mode?: string;
  on?: boolean;
}
const TABLE: OptionTable<Options> = {
  size: required(count),
  rate: positive,
  share: fraction,
  mode: oneOf('a', 'b'),
  on: flag,
};
const check = (o: object) => checkOptions('Thing', TABLE, o as Options);
const refused = (o: object, message: RegExp, option?: string) =>
  assert.throws(
    () => check(o),
    (e: { code: string; message: string; details: { option?: string } }) => {
      assert.equal(e.code, 'E_OPTION');
      assert.match(e.message, message);
      assert.equal(e.details.option, option);
      return true;
    },
  );

test('what the rules allow passes; undefined counts as not given', () => {
  check({ size: 1 });
  check({ size: 3, rate: 0.1, share: 0, mode: 'b', on: false });
  check({ size: 3, rate: undefined });
});
test('unknown options are named with the known ones in the hint', () => {
  assert.throws(() => check({ size: 1, siez: 2 }), {
    message: 'Thing: unknown option siez',
    hint: /size, rate, share/,
  });
});
test('what the rules do not allow says what was expected and what came', () => {
  refused({}, /Thing: size must be an integer from 1 up, got undefined/, 'size');
  for (const size of [0, 1.5, -1, '3', Number.NaN, null]) refused({ size }, /size must be an integer/, 'size');
  for (const rate of [0, -1, Number.POSITIVE_INFINITY])
    refused({ size: 1, rate }, /rate must be a number above 0/, 'rate');
  refused({ size: 1, share: 1 }, /share must be a number from 0 to below 1, got 1/, 'share');
  refused({ size: 1, mode: 'c' }, /mode must be 'a' or 'b', got "c"/, 'mode');
  refused({ size: 1, on: 1 }, /on must be true or false/, 'on');
});
test('names of Object.prototype are no options', () => {
  refused({ size: 1, constructor: 1 }, /unknown option constructor/, 'constructor');
  assert.throws(() => check(null as never), { code: 'E_OPTION' });
});
