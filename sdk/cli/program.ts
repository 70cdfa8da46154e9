/** From the arguments to a command: commander over the options table, and errors as one clear message. */

import { Command, CommanderError, Option } from 'commander';
import { isIsobitError, OptionError } from '../core/errors.ts';
import {
  COMMANDS,
  type CommandInfo,
  type ConformanceOptions,
  flagsOf,
  type InspectOptions,
  optionsOf,
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
  inspect(file: string, o: InspectOptions, t: Terminal): Promise<void>;
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
    const { name, argument } = info;
    const command = quiet(program.command(name), t).description(info.description);
    if (argument) {
      command.argument(`<${argument.name}>`, describeArgument(argument), (text: string) =>
        checkArgument(name, argument, text),
      );
    }
    for (const o of optionsOf(name)) {
      const option = new Option(flagsOf(o), o.description);
      if (o.default !== undefined) option.default(o.parse ? o.parse(o.default) : o.default, o.default);
      if (o.parse) option.argParser(o.parse);
      command.addOption(option);
    }
    if (name === 'conformance') command.action((o: ConformanceOptions) => actions.conformance(o, t));
    else command.action((value: string, o: TrainOptions & InspectOptions) => actions[name](value, o, t));
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

type Argument = NonNullable<CommandInfo['argument']>;

export function describeArgument({ choices, description }: Argument): string {
  return choices ? `${description}: ${choices.join(', ')}` : description;
}

function checkArgument(command: string, { name, choices }: Argument, text: string): string {
  if (!choices || choices.includes(text)) return text;
  throw new OptionError(`${command}: there is no ${name} ${JSON.stringify(text)}`, {
    hint: `Choose one of ${choices.join(', ')}.`,
  });
}

/** One message and what to do about it; a stack only for what nobody foresaw. */
export function explain(e: unknown): string {
  if (isIsobitError(e)) return `isobit: ${e.message} (${e.code})${e.hint ? `\n  ${e.hint}` : ''}`;
  if (e instanceof CommanderError) {
    if (e.code === 'commander.help') return 'isobit: no command was given\n  See isobit --help.';
    return `isobit: ${e.message.replace(/^error: /, '').replaceAll('\n', ' ')} (E_OPTION)\n  See isobit --help.`;
  }
  return `isobit: ${e instanceof Error ? (e.stack ?? e.message) : String(e)}`;
}
