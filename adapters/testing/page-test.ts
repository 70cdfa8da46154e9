/** What the suites need of node:test, in a page or a worker: tests are gathered, then run one after the other. */

export interface Outcome {
  readonly name: string;
  /** Null where it passed. */
  readonly error: string | null;
}

const gathered: { name: string; run: () => unknown }[] = [];

export function test(name: string, run: () => unknown): void {
  gathered.push({ name, run });
}

export async function runTests(): Promise<Outcome[]> {
  const out: Outcome[] = [];
  for (const { name, run } of gathered) {
    let error: string | null = null;
    try {
      await run();
    } catch (e) {
      error = e instanceof Error ? `${e.message}\n${e.stack}` : String(e);
    }
    out.push({ name, error });
  }
  return out;
}
