import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { DataError } from '../core/errors.ts';
import { cliDocs } from './docs.ts';
import {
  COMMANDS,
  type ConformanceOptions,
  type ConvertOptions,
  flagsOf,
  type GcOptions,
  OPTIONS,
  optionsOf,
  type RepairOptions,
  type TrainOptions,
} from './options.ts';
import { type Actions, run } from './program.ts';

interface Call {
  command: string;
  arguments: readonly string[];
  options: TrainOptions & ConformanceOptions & ConvertOptions & GcOptions & RepairOptions;
}

/** Runs a command line whose commands only note how they were called. */
async function call(line: string[]): Promise<{ code: number; out: string; err: string; calls: Call[] }> {
  const got = { code: 0, out: '', err: '', calls: [] as Call[] };
  const actions = Object.fromEntries(
    COMMANDS.map((c) => [
      c.name,
      async (...given: unknown[]) => {
        const options = given[c.arguments.length] as Call['options'];
        got.calls.push({ command: c.name, arguments: given.slice(0, c.arguments.length) as string[], options });
      },
    ]),
  ) as unknown as Actions;
  const t = { out: (s: string) => (got.out += s), err: (s: string) => (got.err += s) } as never;
  got.code = await run(line, actions, t);
  return got;
}

/** For each option a text, and the key and value it must give. */
const CASES: Record<string, [text: string | null, key: keyof Call['options'], value: unknown]> = {
  backend: ['wasm', 'backend', 'wasm'],
  seed: ['18446744073709551615', 'seed', 18446744073709551615n],
  epochs: ['7', 'epochs', 7],
  store: ['runs/x', 'store', 'runs/x'],
  resume: [null, 'resume', true],
  'stop-at-step': ['30', 'stopAtStep', 30],
  'save-async': ['skip', 'saveAsync', 'skip'],
  holdout: [null, 'holdout', true],
  runtime: ['workerd-wasm, bun-wasm,bun-wasm', 'runtime', ['bun-wasm', 'workerd-wasm']],
  graphs: ['2000', 'graphs', 2000],
  include: ['fc1.*', 'include', ['fc1.*']],
  cast: ['bf16', 'cast', 'bf16'],
  'for-inference': [null, 'forInference', true],
  round: [null, 'round', true],
  force: [null, 'force', true],
  'grace-hours': ['2', 'graceHours', 2],
  apply: [null, 'apply', true],
  json: [null, 'json', true],
};

test('every option of the table reaches its command as a value', async () => {
  for (const o of OPTIONS) {
    assert.ok(CASES[o.name], `no case for --${o.name}`);
    const [text, key, value] = CASES[o.name];
    for (const command of o.commands) {
      const names = COMMANDS.find((c) => c.name === command)?.arguments ?? [];
      const words = names.map((a, i) => a.choices?.[0] ?? `word${i}`);
      const line = [command, ...words, `--${o.name}`, text].filter((word) => word !== null);
      const { code, calls } = await call(line);
      assert.equal(code, 0);
      assert.equal(calls[0].command, command);
      assert.deepEqual(calls[0].arguments, words);
      assert.deepEqual(calls[0].options[key], value);
    }
  }
});

test('without options: the defaults of the table, nothing else', async () => {
  const { calls } = await call(['train', 'mnist']);
  assert.deepEqual({ ...calls[0].options }, { backend: 'auto' });
  assert.deepEqual({ ...(await call(['conformance'])).calls[0].options }, { graphs: 200 });
});

test('bad command lines: one message, one hint, exit code 1, nothing done', async () => {
  const cases: [string[], RegExp][] = [
    [[], /no command was given/],
    [['trian', 'iris'], /unknown command 'trian'/],
    [['train'], /missing required argument 'example'/],
    [['train', 'irs'], /there is no example "irs".*\n.*iris, mnist, lenet, synthetic, text/],
    [['train', 'iris', 'mnist'], /too many arguments/],
    [['train', 'iris', '--sed', '1'], /unknown option '--sed'/],
    [['train', 'iris', '--seed'], /argument missing/],
    [['train', 'iris', '--seed', '-1'], /--seed/],
    [['train', 'iris', '--seed', '18446744073709551616'], /--seed.*18446744073709551616/],
    [['train', 'iris', '--seed', '1.5'], /--seed/],
    [['train', 'iris', '--epochs', '0'], /--epochs: "0" is not a whole number from 1 up/],
    [['train', 'iris', '--stop-at-step', 'x'], /--stop-at-step/],
    [['train', 'iris', '--backend', 'cuda'], /"cuda" is not one of auto, wasm, webgpu/],
    [['train', 'iris', '--store', ''], /--store/],
    [['conformance', 'node-wasm'], /too many arguments/],
    [['conformance', '--runtime', 'node-wasm,deno'], /--runtime: "deno" is not one of node-wasm, /],
    [['inspect', 'x', '--seed', '1'], /unknown option '--seed'/],
    [['diff', 'a'], /missing required argument 'b'/],
    [['convert', 'a', 'b', '--cast', 'f64'], /--cast: "f64" is not one of f32, f16, bf16/],
    [['gc', 'runs/x', '--grace-hours', '0'], /--grace-hours/],
  ];
  for (const [line, message] of cases) {
    const { code, out, err, calls } = await call(line);
    assert.equal(code, 1, line.join(' '));
    assert.match(err, message);
    assert.match(err, /^isobit: [^\n]*\(E_OPTION\)\n {2}[^\n]+\n$|^isobit: no command[^\n]*\n {2}[^\n]+\n$/);
    assert.deepEqual([out, calls], ['', []]);
  }
});

test('errors of a command are told once, with their code and hint; unforeseen ones with a stack', async () => {
  let err = '';
  const t = { out: () => {}, err: (s: string) => (err += s) } as never;
  const fail = (e: Error) => {
    const action = () => Promise.reject(e);
    return Object.fromEntries(COMMANDS.map((c) => [c.name, action])) as unknown as Actions;
  };
  assert.equal(await run(['inspect', 'x'], fail(new DataError('no rows', { hint: 'Give some.' })), t), 1);
  assert.equal(err, 'isobit: no rows (E_DATA)\n  Give some.\n');
  err = '';
  await run(['inspect', 'x'], fail(new DataError('a\u001b[2J', { hint: 'b\u009b' })), t);
  assert.equal(err, 'isobit: a\\u001b[2J (E_DATA)\n  b\\u009b\n');
  err = '';
  assert.equal(await run(['inspect', 'x'], fail(new TypeError('oops')), t), 1);
  assert.match(err, /^isobit: TypeError: oops\n {4}at /);
});

test('--help of the program and of each command shows the whole table, and succeeds', async () => {
  const top = await call(['--help']);
  assert.equal(top.code, 0);
  for (const c of COMMANDS) {
    assert.match(top.out, new RegExp(`^ {2}${c.name} `, 'm'));
    const { code, out, err } = await call([c.name, '--help']);
    assert.deepEqual([code, err], [0, '']);
    const flat = out.replace(/\s+/g, ' ');
    for (const o of optionsOf(c.name)) assert.ok(flat.includes(`${flagsOf(o)} ${o.description}`), o.name);
  }
});

test('docs/cli.md is what the table gives', () => {
  assert.equal(readFileSync(new URL('../../docs/cli.md', import.meta.url), 'utf8'), cliDocs(), 'run npm run docs');
});
