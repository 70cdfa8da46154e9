/** A child process that speaks in lines. */

import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { Said } from '../report.ts';
import { type Ask, isLast } from './ask.ts';

/** Characters kept of what a child says on standard error, for the message if it fails. */
const TAIL = 2000;

/** Keeps the end of what a child writes there. */
export function tailOf(stream: NodeJS.ReadableStream): () => string {
  let text = '';
  stream.setEncoding('utf8').on('data', (chunk: string) => {
    text = (text + chunk).slice(-TAIL);
  });
  return () => text.trim();
}

/** Runs a program to its end. Its standard output is what the row says, one JSON object a line. */
export async function runChild(
  command: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv,
  ask: Ask,
): Promise<void> {
  const child = spawn(command, args, {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    signal: ask.signal,
    killSignal: 'SIGKILL',
  });
  const errors = tailOf(child.stderr);
  let over = false;
  createInterface({ input: child.stdout }).on('line', (line) => {
    const said = parse(line);
    if (!said) return;
    over ||= isLast(said);
    ask.say(said);
  });
  const how = await ended(child);
  if (!over || how !== null) throw new Error(`ended ${how ?? 'early'}\n${errors()}`.trim());
}

/** Platforms may print lines of their own. */
function parse(line: string): Said | null {
  if (!line.startsWith('{"kind":')) return null;
  return JSON.parse(line) as Said;
}

/** Null after exit code 0. */
function ended(child: ChildProcess): Promise<string | null> {
  return new Promise((done, fail) => {
    child.on('error', fail);
    child.on('close', (code, signal) => done(code === 0 ? null : signal ? `by ${signal}` : `with code ${code}`));
  });
}
