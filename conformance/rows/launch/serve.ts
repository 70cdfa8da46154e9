/** The server behind the rows in browsers: a page, the bundles, the options, and a place to say things to. */

import { readFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { basename, join } from 'node:path';
import type { Said } from '../report.ts';
import type { Ask } from './ask.ts';

const PAGE = [
  '<!doctype html>',
  '<meta charset="utf-8">',
  '<link rel="icon" href="data:,">',
  '<title>isobit conformance</title>',
  '<script type="module" src="/page.js"></script>',
].join('\n');

/** What pages of careful sites send; the library must do with it. */
const POLICY =
  "default-src 'none'; connect-src 'self'; img-src data:; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self'";

export interface Serving extends AsyncDisposable {
  readonly url: string;
}

/** Serves on a free port of this machine alone. */
export async function serve({ bundles, options, stores }: Ask, onSaid: (said: Said) => void): Promise<Serving> {
  const answer = async (request: IncomingMessage, response: ServerResponse) => {
    const send = (type: string, body: string | Uint8Array) => {
      response.writeHead(200, {
        'content-type': type,
        'content-security-policy': POLICY,
        'cache-control': 'no-store',
      });
      response.end(body);
    };
    const path = request.url ?? '/';
    if (path === '/') send('text/html', PAGE);
    else if (stores && path.startsWith('/store/')) stores(request, response);
    else if (path === '/options') send('application/json', JSON.stringify(options));
    else if (path === '/said') {
      const parts: Buffer[] = [];
      for await (const part of request) parts.push(part as Buffer);
      onSaid(JSON.parse(Buffer.concat(parts).toString('utf8')) as Said);
      send('text/plain', '');
    } else if (path.endsWith('.js')) send('text/javascript', await readFile(join(bundles, basename(path))));
    else response.writeHead(404).end();
  };
  const server = createServer((request, response) => {
    answer(request, response).catch(() => response.destroy());
  });
  await listening(server);
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((done) => server.close(done));
    },
  };
}

function listening(server: Server): Promise<void> {
  return new Promise((done, fail) => {
    server.once('error', fail).listen(0, '127.0.0.1', done);
  });
}
