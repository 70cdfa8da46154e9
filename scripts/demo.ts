/**
 * `npm run demo`: builds the page of examples/browser, serves it on this machine, and opens it where there is a browser.
 * `--port n` takes another port than 4242 (0 any free one), `--no-open` opens nothing. Ctrl-C ends it.
 */

import { spawn } from 'node:child_process';
import { parseArgs } from 'node:util';
import { makeSite, type Serving, serveSite } from '../examples/browser/site.ts';

/** What a browser keeps belongs to an address and its port, so that saved runs are found only where the port stays. */
const PORT = 4242;

const { values } = parseArgs({
  options: { port: { type: 'string' }, open: { type: 'boolean', default: true } },
  allowNegative: true,
});
const site = await makeSite();
const server = await serve();
console.log(`isobit: the demo is at ${server.url} (Ctrl-C ends it)`);
if (values.open) openBrowser(server.url);

/** On the port asked for, else on a free one where the usual is taken. */
async function serve(): Promise<Serving> {
  if (values.port !== undefined) return serveSite(site, Number(values.port));
  try {
    return await serveSite(site, PORT);
  } catch (e) {
    if ((e as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw e;
    console.log(`isobit: port ${PORT} is taken, so this is another one; runs saved under that port are not seen here`);
    return serveSite(site);
  }
}

/** Nothing happens where there is no browser: the address is on the screen. */
function openBrowser(url: string): void {
  const { platform, env } = process;
  if (platform === 'linux' && !env.DISPLAY && !env.WAYLAND_DISPLAY) return;
  const [command, ...args] =
    platform === 'darwin' ? ['open'] : platform === 'win32' ? ['cmd', '/c', 'start', ''] : ['xdg-open'];
  spawn(command, [...args, url], { stdio: 'ignore', detached: true })
    .on('error', () => {})
    .unref();
}
