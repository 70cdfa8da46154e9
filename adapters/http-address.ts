/** The address of a server. Its text is in no message: it may hold a secret. */

import { OptionError } from '../sdk/core/errors.ts';

/** With a '/' at its end, without a fragment. */
export function addressOf(what: string, address: string | URL): URL {
  const fail = (why: string, hint: string) => new OptionError(`${what}: the address ${why}`, { hint });
  let url: URL;
  try {
    url = new URL(address, globalThis.location?.href);
  } catch {
    throw fail('is not a URL', "use one like 'https://example.org/runs/iris/'");
  }
  if (!/^https?:$/.test(url.protocol)) throw fail('is not of http or https', 'use a server that fetch can reach');
  if (url.username || url.password) {
    throw fail('holds a user name or password', 'give them by the options: fetch refuses them in URLs');
  }
  url.hash = '';
  if (!url.pathname.endsWith('/')) url.pathname += '/';
  return url;
}
