/** In a process of its own: streams a body to a server, and tells by how much the process has grown meanwhile. */

import { fetchStore } from '../fetch.ts';

const MIB = 2 ** 20;

interface Platform {
  readonly process: { readonly argv: readonly string[]; memoryUsage(): { rss: number } };
}

async function measure(url: string, mib: number): Promise<{ growth: number; streamed: boolean }> {
  const { process } = globalThis as unknown as Platform;
  let streamed = false;
  const store = fetchStore(url, {
    fetch: (input, init) => {
      streamed ||= init?.body instanceof ReadableStream;
      return fetch(input, init);
    },
  });
  const body = (n: number) => ({
    size: n * MIB,
    async *chunks() {
      const chunk = new Uint8Array(MIB);
      for (let i = 0; i < n; i++) yield chunk.fill(i);
    },
  });
  // What the platform needs for any request does not count.
  await store.put('small', body(16));
  const before = process.memoryUsage().rss;
  let most = before;
  const timer = setInterval(() => {
    most = Math.max(most, process.memoryUsage().rss);
  }, 5);
  await store.put('large', body(mib));
  clearInterval(timer);
  return { growth: Math.round((most - before) / MIB), streamed };
}

const [url, mib] = (globalThis as unknown as Platform).process.argv.slice(-2);
console.log(JSON.stringify(await measure(url, Number(mib))));
