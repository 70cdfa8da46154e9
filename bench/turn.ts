/** The process of one contender. Each has its own, so that no library pays for another's garbage or compiled types. */

import process from 'node:process';
import { createInterface } from 'node:readline';
import { pathToFileURL } from 'node:url';
import { type Request, turns } from './turns.ts';
import type { Open } from './work.ts';

const [module, opener] = process.argv.slice(2);

const answer = turns({
  load: async () => ((await import(pathToFileURL(module).href)) as Record<string, Open>)[opener],
  cpu() {
    const { user, system } = process.cpuUsage();
    return user + system;
  },
  memory: () => process.memoryUsage.rss() / 2 ** 20,
});

for await (const line of createInterface({ input: process.stdin })) {
  const response = await answer(JSON.parse(line) as Request);
  process.stdout.write(`answer ${JSON.stringify(response)}\n`);
}
// Dawn may fault when a process ends by itself.
process.kill(process.pid, 'SIGKILL');
