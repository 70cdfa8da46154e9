/**
 * The process of one contender: it steps when it is asked to, and measures itself. Each has a process of its own, so that no
 * library pays for another's garbage or for the types that another has shown to the compiler.
 */

import { pathToFileURL } from 'node:url';
import type { Contender } from './contender.ts';
import { type Batch, batchesOf, NETS, type Net, PRODUCTS, type Product } from './nets.ts';

/** Steps to take: so many, or for so many milliseconds of CPU time, so that a turn is as long on a busy machine. */
export type Request = { readonly steps: number } | { readonly ms: number };

export type Answer =
  | { readonly losses: readonly number[] }
  /** Microseconds a step: of this process's CPU time, and of the clock. */
  | { readonly cpu: number; readonly wall: number };

const SLICE_MS = 10;

const [module, make, name] = process.argv.slice(2);
const net = NETS.find((n) => n.name === name);
const found = net ?? PRODUCTS.find((p) => p.name === name);
if (!found) throw new Error(`bench: no work is named ${name}`);
/** A product has its operands already. */
const batches = net ? batchesOf(net) : [null];
let taken = 0;

type Steps = Omit<Contender, 'step'> & { step(batch: Batch | null): number | Promise<number> };
const contender: Promise<Steps> = import(pathToFileURL(module).href).then(
  (exports: Record<string, (work: Net | Product) => Promise<Steps>>) => exports[make](found),
);

async function answer(request: Request): Promise<Answer> {
  const c = await contender;
  const next = () => c.step(batches[taken++ % batches.length]);
  if ('steps' in request) {
    const losses: number[] = [];
    while (losses.length < request.steps) losses.push(await next());
    return { losses };
  }
  const before = process.cpuUsage();
  const start = performance.now();
  let steps = 0;
  let cpu = 0;
  while (cpu < request.ms * 1000) {
    // Asking for the CPU time costs as much as a small step does: once a slice is often enough.
    const slice = performance.now();
    while (performance.now() - slice < SLICE_MS) {
      await next();
      steps++;
    }
    const { user, system } = process.cpuUsage(before);
    cpu = user + system;
  }
  return { cpu: cpu / steps, wall: ((performance.now() - start) * 1000) / steps };
}

process.on('message', async (request: Request) => process.send?.(await answer(request)));
