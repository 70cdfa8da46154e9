/** The one table of commands and options. The parser, `--help` and docs/cli.md are made from it. */

import { RUNTIMES, type RuntimeName } from '../../conformance/rows/report.ts';
import type { Async } from '../checkpoint/index.ts';
import { OptionError } from '../core/errors.ts';
import { WEIGHT_DTYPES, type WeightDType } from '../formats/narrow.ts';

export type CommandName =
  | 'train'
  | 'inspect'
  | 'verify'
  | 'diff'
  | 'convert'
  | 'log'
  | 'tag'
  | 'rollback'
  | 'gc'
  | 'repair'
  | 'conformance';

export interface ArgumentInfo {
  readonly name: string;
  readonly description: string;
  readonly choices?: readonly string[];
}

export interface CommandInfo {
  readonly name: CommandName;
  /** Positional arguments, all of them needed. */
  readonly arguments: readonly ArgumentInfo[];
  readonly description: string;
}

export interface OptionInfo {
  /** Long name without dashes. */
  readonly name: string;
  /** What stands behind it on the command line; without one it is a switch. */
  readonly argument?: string;
  /** As it would be written on the command line; without one the description says what happens. */
  readonly default?: string;
  readonly description: string;
  readonly commands: readonly CommandName[];
  /** True where it may be given more than once. */
  readonly many?: boolean;
  /** The value of the text; throws OptionError. */
  readonly parse?: (text: string) => unknown;
}

export const EXAMPLES = ['iris', 'mnist', 'lenet', 'synthetic', 'text'] as const;
export type ExampleName = (typeof EXAMPLES)[number];

const ASYNC: readonly Async[] = ['block', 'skip', 'replace'];
const BACKENDS = ['auto', 'wasm', 'webgpu'] as const;

/** What `isobit train` gets. */
export interface TrainOptions {
  backend: (typeof BACKENDS)[number];
  seed?: bigint;
  epochs?: number;
  store?: string;
  resume?: boolean;
  stopAtStep?: number;
  saveAsync?: Async;
  holdout?: boolean;
  json?: boolean;
}

/** What commands get that only show, or that change a run. */
export interface JsonOption {
  json?: boolean;
}

/** What `isobit convert` gets. */
export interface ConvertOptions extends JsonOption {
  include?: readonly string[];
  cast?: WeightDType;
  forInference?: boolean;
  round?: boolean;
  force?: boolean;
}

/** What `isobit repair` gets. */
export interface RepairOptions extends JsonOption {
  apply?: boolean;
}

/** What `isobit gc` gets. */
export interface GcOptions extends JsonOption {
  graceHours: number;
}

/** What `isobit conformance` gets. */
export interface ConformanceOptions {
  runtime?: readonly RuntimeName[];
  graphs: number;
  json?: boolean;
}

const PLACE =
  'a checkpoint, or the directory or address of a run, with #step:100, #best:val/loss:min or a tag behind it';
const RUN = { name: 'run', description: 'the directory or the address of a run' };
const REF = { name: 'ref', description: 'a commit: latest, a tag, step:100, or the first digits of a root' };

export const COMMANDS: readonly CommandInfo[] = [
  {
    name: 'train',
    arguments: [{ name: 'example', description: 'which example to train', choices: EXAMPLES }],
    description: 'Train an example on real or made data, and report its accuracy and fingerprint.',
  },
  {
    name: 'inspect',
    arguments: [{ name: 'place', description: PLACE }],
    description: 'Check every byte of a checkpoint and show what it holds.',
  },
  {
    name: 'verify',
    arguments: [{ name: 'place', description: 'a checkpoint, or the directory or address of a run' }],
    description: 'Check every byte of a checkpoint, or of every commit of a run, and say what is wrong where.',
  },
  {
    name: 'diff',
    arguments: [
      { name: 'a', description: PLACE },
      { name: 'b', description: 'the same' },
    ],
    description: 'Say whether two states are equal, or which values differ and by how many units of the last place.',
  },
  {
    name: 'convert',
    arguments: [
      {
        name: 'in',
        description:
          'a checkpoint or a run, or a file that ends in .safetensors .npz .npy .json .pt .pth .bpk .mpk; a path or an address',
      },
      {
        name: 'out',
        description:
          'a file that ends in .cbor .safetensors .npz .npy .json .bpk; a path, or an address whose server takes PUT',
      },
    ],
    description: 'Convert between checkpoints and the files of other programs.',
  },
  { name: 'log', arguments: [RUN], description: 'List the commits of a run, the newest first.' },
  {
    name: 'tag',
    arguments: [RUN, REF, { name: 'name', description: 'letters, digits and . _ - in it' }],
    description: 'Give a commit a name, which also keeps it from being removed.',
  },
  {
    name: 'rollback',
    arguments: [RUN, REF],
    description: 'Make an older commit the latest, by a new commit with a copy of its state; nothing is rewritten.',
  },
  { name: 'gc', arguments: [RUN], description: 'Remove the objects that no commit names, which killed writers leave.' },
  {
    name: 'repair',
    arguments: [{ name: 'run', description: 'the directory or address of a run' }],
    description:
      'Say which commits of a run are damaged, which is the newest good one, and what would make it the latest; nothing is done unasked.',
  },
  {
    name: 'conformance',
    arguments: [],
    description: 'Run one suite on every runtime of this machine, and compare every result to the bit.',
  },
];

export const OPTIONS: readonly OptionInfo[] = [
  {
    name: 'backend',
    argument: 'name',
    default: 'auto',
    description: 'where to compute: auto (a qualified GPU, else WASM), wasm or webgpu',
    commands: ['train'],
    parse: oneOf('backend', BACKENDS),
  },
  {
    name: 'seed',
    argument: 'n',
    description: 'seed of every random choice, 0 to 2^64-1 (default: that of the resumed run, else 0)',
    commands: ['train'],
    parse: seed,
  },
  {
    name: 'epochs',
    argument: 'n',
    description: 'epochs in all, those of a resumed run included (default: the example’s own)',
    commands: ['train'],
    parse: count('epochs'),
  },
  {
    name: 'store',
    argument: 'dir',
    description: 'directory for checkpoints (default: none are written)',
    commands: ['train'],
    parse: directory,
  },
  {
    name: 'resume',
    description: 'go on with the run in --store, or begin it there; without this a store that holds a run is refused',
    commands: ['train'],
  },
  {
    name: 'stop-at-step',
    argument: 'n',
    description: 'stop once n steps are done in all, and save there if there is a store',
    commands: ['train'],
    parse: count('stop-at-step'),
  },
  {
    name: 'save-async',
    argument: 'policy',
    description:
      'save while training goes on; a save that comes during another one has to block, skip (is left out) or replace (the newest waits)',
    commands: ['train'],
    parse: oneOf('save-async', ASYNC),
  },
  {
    name: 'holdout',
    description: 'iris only: train on 120 rows and report on the other 30',
    commands: ['train'],
  },
  {
    name: 'runtime',
    argument: 'names',
    description: `rows to run, with commas between them (default: all): ${RUNTIMES.join(', ')}`,
    commands: ['conformance'],
    parse: runtimes,
  },
  {
    name: 'graphs',
    argument: 'n',
    default: '200',
    description: 'random graphs to try on each runtime',
    commands: ['conformance'],
    parse: count('graphs'),
  },
  {
    name: 'include',
    argument: 'pattern',
    description: 'only tensors of such names, where * stands for anything; may be given several times',
    commands: ['convert'],
    many: true,
  },
  {
    name: 'cast',
    argument: 'dtype',
    description: `the model's floats as ${WEIGHT_DTYPES.join(', ')}, rounded half to even; i8 with a scale for each output channel, biases f32`,
    commands: ['convert'],
    parse: oneOf('cast', WEIGHT_DTYPES),
  },
  {
    name: 'for-inference',
    description: 'the model alone, without the state of its training',
    commands: ['convert'],
  },
  {
    name: 'round',
    description: 'round float64 to f32; without this such files are refused',
    commands: ['convert'],
  },
  {
    name: 'force',
    description: 'replace <out> if it is there',
    commands: ['convert'],
  },
  {
    name: 'grace-hours',
    argument: 'n',
    default: '24',
    description: 'leave objects alone that are younger: a writer may be about to name them',
    commands: ['gc'],
    parse: count('grace-hours'),
  },
  {
    name: 'apply',
    description: 'do what is needed: append a commit that makes the newest good state the latest; nothing is removed',
    commands: ['repair'],
  },
  {
    name: 'json',
    description: 'print the result as JSON, on the last line of standard output',
    commands: [
      'train',
      'inspect',
      'verify',
      'diff',
      'convert',
      'log',
      'tag',
      'rollback',
      'gc',
      'repair',
      'conformance',
    ],
  },
];

export function optionsOf(command: CommandName): readonly OptionInfo[] {
  return OPTIONS.filter((o) => o.commands.includes(command));
}

/** `--name <argument>`, as help and docs show it. */
export function flagsOf(o: OptionInfo): string {
  return o.argument ? `--${o.name} <${o.argument}>` : `--${o.name}`;
}

function refuse(name: string, text: string, expected: string): never {
  throw new OptionError(`--${name}: ${JSON.stringify(text)} is not ${expected}`, {
    hint: `Give --${name} ${expected}.`,
    details: { option: name, got: text },
  });
}

function oneOf(name: string, choices: readonly string[]): (text: string) => string {
  return (text) => (choices.includes(text) ? text : refuse(name, text, `one of ${choices.join(', ')}`));
}

/** Those named, once each, in the order of the table. */
function runtimes(text: string): RuntimeName[] {
  const names: readonly string[] = text.split(',').map((name) => name.trim());
  const unknown = names.find((name) => !(RUNTIMES as readonly string[]).includes(name));
  if (unknown !== undefined) refuse('runtime', unknown, `one of ${RUNTIMES.join(', ')}`);
  return RUNTIMES.filter((name) => names.includes(name));
}

function count(name: string): (text: string) => number {
  return (text) => {
    const n = /^\d{1,15}$/.test(text) ? Number(text) : 0;
    return n >= 1 ? n : refuse(name, text, 'a whole number from 1 up');
  };
}

function seed(text: string): bigint {
  const n = /^\d{1,20}$/.test(text) ? BigInt(text) : -1n;
  return n >= 0n && n < 1n << 64n ? n : refuse('seed', text, 'a whole number from 0 to 18446744073709551615');
}

function directory(text: string): string {
  return text.trim() === '' ? refuse('store', text, 'the path of a directory') : text;
}
