/** From the arguments to a command: commander over the options table, and errors as one clear message. */

import { Command, CommanderError, Option } from 'commander';
import { safe } from '../checkpoint/inspect.ts';
import { isIsobitError, OptionError } from '../core/errors.ts';
import {
  type ArgumentInfo,
  COMMANDS,
  type ConformanceOptions,
  type ConvertOptions,
  flagsOf,
  type GcOptions,
  type JsonOption,
  optionsOf,
  type RepairOptions,
  type TrainOptions,
} from './options.ts';

/** Where a command writes. `stdout` holds results only, so that it can be piped. */
export interface Terminal {
  out(text: string): void;
  err(text: string): void;
}

/** What the commands do; `run` only finds out which one is meant. */
export interface Actions {
  train(example: string, o: TrainOptions, t: Terminal): Promise<void>;
  inspect(place: string, o: JsonOption, t: Terminal): Promise<void>;
  verify(place: string, o: JsonOption, t: Terminal): Promise<void>;
  diff(a: string, b: string, o: JsonOption, t: Terminal): Promise<void>;
  convert(from: string, to: string, o: ConvertOptions, t: Terminal): Promise<void>;
  log(run: string, o: JsonOption, t: Terminal): Promise<void>;
  tag(run: string, ref: string, name: string, o: JsonOption, t: Terminal): Promise<void>;
  rollback(run: string, ref: string, o: JsonOption, t: Terminal): Promise<void>;
  gc(run: string, o: GcOptions, t: Terminal): Promise<void>;
  repair(run: string, o: RepairOptions, t: Terminal): Promise<void>;
  conformance(o: ConformanceOptions, t: Terminal): Promise<void>;
}

/**
 * Runs one command line.
 *
 * @param args without node and script
 * @returns the exit code: 0, or 1 after any error
 */
export async function run(args: readonly string[], actions: Actions, t: Terminal): Promise<number> {
  const program = programOf(actions, t);
  try {
    await program.parseAsync([...args], { from: 'user' });
    return 0;
  } catch (e) {
    // Help, once shown, ends the program too.
    if (e instanceof CommanderError && e.exitCode === 0) return 0;
    t.err(`${explain(e)}\n`);
    return 1;
  }
}

function programOf(actions: Actions, t: Terminal): Command {
  const program = new Command('isobit')
    .description('Train and run neural networks with the same bits everywhere.')
    .showHelpAfterError(false);
  quiet(program, t);
  for (const info of COMMANDS) {
    const { name } = info;
    const command = quiet(program.command(name), t).description(info.description);
    for (const a of info.arguments) {
      command.argument(`<${a.name}>`, describeArgument(a), (text: string) => checkArgument(name, a, text));
    }
    for (const o of optionsOf(name)) {
      const option = new Option(flagsOf(o), o.description);
      if (o.default !== undefined) option.default(o.parse ? o.parse(o.default) : o.default, o.default);
      if (o.parse) option.argParser(o.parse);
      if (o.many) option.argParser((text: string, before: readonly string[] = []) => [...before, text]);
      command.addOption(option);
    }
    // Commander hands on the arguments, the options and itself; the table has one entry for each argument of an action.
    const act = actions[name] as (...all: unknown[]) => Promise<void>;
    command.action((...given: unknown[]) => act(...given.slice(0, info.arguments.length + 1), t));
  }
  return program;
}

/** Errors are thrown, and told once, by `run`. */
function quiet(command: Command, t: Terminal): Command {
  return command
    .exitOverride()
    .configureOutput({ writeOut: t.out, writeErr: () => {}, outputError: () => {} })
    .helpCommand(false);
}

export function describeArgument({ choices, description }: ArgumentInfo): string {
  return choices ? `${description}: ${choices.join(', ')}` : description;
}

function checkArgument(command: string, { name, choices }: ArgumentInfo, text: string): string {
  if (!choices || choices.includes(text)) return text;
  throw new OptionError(`${command}: there is no ${name} ${JSON.stringify(text)}`, {
    hint: `Choose one of ${choices.join(', ')}.`,
  });
}

/** One message and what to do about it; a stack only for what nobody foresaw. */
export function explain(e: unknown): string {
  if (isIsobitError(e)) return `isobit: ${safe(e.message)} (${e.code})${e.hint ? `\n  ${safe(e.hint)}` : ''}`;
  if (e instanceof CommanderError) {
    if (e.code === 'commander.help') return 'isobit: no command was given\n  See isobit --help.';
    return `isobit: ${e.message.replace(/^error: /, '').replaceAll('\n', ' ')} (E_OPTION)\n  See isobit --help.`;
  }
  return `isobit: ${e instanceof Error ? (e.stack ?? e.message) : String(e)}`;
}
