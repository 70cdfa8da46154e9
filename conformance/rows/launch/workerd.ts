/** The row in workerd, the server of edge workers: the worker and its modules are named in a configuration, and called once. */

import { spawn } from 'node:child_process';
import { copyFile, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import type { Said } from '../report.ts';
import { type Ask, isLast, type Launch } from './ask.ts';
import { tailOf } from './child.ts';
import { inPackage, onPath, orUnavailable } from './find.ts';

/** The program. Throws Unavailable where it is not installed. */
export function workerdProgram(): string {
  const { platform, arch } = process;
  const name = `@cloudflare/workerd-${platform === 'win32' ? 'windows' : platform}-${arch === 'arm64' ? 'arm64' : '64'}`;
  return orUnavailable(
    inPackage([
      [name, 'bin/workerd'],
      [name, 'bin/workerd.exe'],
    ]) ?? onPath('workerd'),
    'workerd is not installed (npm package workerd)',
  );
}

export const workerd: Launch = async (ask) => {
  const program = workerdProgram();
  const folder = await mkdtemp(join(tmpdir(), 'isobit-workerd-'));
  try {
    await configure(folder, ask.bundles);
    await serve(program, folder, ask);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
};

/** The configuration, beside copies of what it embeds: paths in it are relative. */
async function configure(folder: string, bundles: string): Promise<void> {
  const files = (await readdir(bundles)).filter((f) => f.endsWith('.js'));
  for (const f of files) await copyFile(join(bundles, f), join(folder, f));
  await copyFile(join(bundles, '../kernels.wasm'), join(folder, 'kernels.wasm'));
  // The first module is the worker.
  const scripts = ['worker.js', ...files.filter((f) => f !== 'worker.js')];
  const modules = [
    ...scripts.map((f) => `(name = "${f}", esModule = embed "${f}")`),
    '(name = "kernels.wasm", wasm = embed "kernels.wasm")',
  ];
  const config = `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [(name = "main", worker = .row)],
  sockets = [(name = "http", address = "127.0.0.1:0", http = (), service = "main")],
);
const row :Workerd.Worker = (
  compatibilityDate = "2026-01-01",
  modules = [
    ${modules.join(',\n    ')}
  ],
);
`;
  await writeFile(join(folder, 'config.capnp'), config);
}

export interface Workerd {
  /** Where its socket listens. */
  readonly url: string;
  /** Of its process. */
  readonly pid: number;
  /** Throws when it ends. */
  readonly gone: Promise<never>;
  /** The end of what it has said on standard error. */
  errors(): string;
  stop(): void;
}

/** Starts it with the `config.capnp` of a folder, which asks for one socket on a free port. */
export async function startWorkerd(
  program: string,
  folder: string,
  { env, signal }: { env?: NodeJS.ProcessEnv; signal?: AbortSignal } = {},
): Promise<Workerd> {
  const child = spawn(program, ['serve', 'config.capnp', '--control-fd=3'], {
    cwd: folder,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'ignore', 'pipe', 'pipe'],
    signal,
    killSignal: 'SIGKILL',
  });
  const errors = tailOf(child.stderr as Readable);
  const gone = new Promise<never>((_, fail) => {
    child.on('error', fail);
    child.on('exit', (code, signal) => fail(new Error(`workerd ended (${signal ?? code})\n${errors()}`.trim())));
  });
  // It may end when nobody waits for it any more.
  gone.catch(() => {});
  const stop = () => child.kill('SIGKILL');
  try {
    const port = await Promise.race([portOf(child.stdio[3] as Readable), gone]);
    return { url: `http://127.0.0.1:${port}/`, pid: child.pid as number, gone, errors, stop };
  } catch (e) {
    stop();
    throw e;
  }
}

async function serve(program: string, folder: string, ask: Ask): Promise<void> {
  const server = await startWorkerd(program, folder, { signal: ask.signal });
  try {
    await Promise.race([call(server.url, ask), server.gone]);
  } catch (e) {
    throw new Error(`${e instanceof Error ? e.message : e}\n${server.errors()}`.trim());
  } finally {
    server.stop();
  }
}

/** What workerd says on its control pipe: the port that it was given. */
function portOf(control: Readable): Promise<number> {
  return new Promise((done) => {
    createInterface({ input: control }).on('line', (line) => {
      const { event, port } = JSON.parse(line) as { event: string; port?: number };
      if (event === 'listen' && port !== undefined) done(port);
    });
  });
}

async function call(url: string, { options, say, signal }: Ask): Promise<void> {
  const response = await fetch(url, { method: 'POST', body: JSON.stringify(options), signal });
  if (!response.ok || !response.body) throw new Error(`HTTP ${response.status}: ${await response.text()}`);
  let rest = '';
  const decoder = new TextDecoder();
  for await (const chunk of response.body as unknown as AsyncIterable<Uint8Array>) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) {
      const said = JSON.parse(line) as Said;
      say(said);
      if (isLast(said)) return;
    }
  }
  throw new Error('the answer ended early');
}
