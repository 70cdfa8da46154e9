/** A contender in a browser's page: `ask` steps when it is asked to. The processor's time is read outside. */

import { type Request, turns } from './turns.ts';
import type { Open } from './work.ts';

const query = new URLSearchParams(location.search);

const answer = turns({
  load: async () => ((await import(`/${query.get('module')}.js`)) as Record<string, Open>)[query.get('open') ?? ''],
  cpu: () => performance.now() * 1000,
  memory: () =>
    ((performance as { memory?: { usedJSHeapSize: number } }).memory?.usedJSHeapSize ?? Number.NaN) / 2 ** 20,
});

Object.assign(globalThis, { ask: (request: Request) => answer(request) });
