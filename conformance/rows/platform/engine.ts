/** The name of the platform and its JavaScript engine. */

/** What platforms tell of themselves; each has only some of it. */
interface Platform {
  readonly Bun?: { readonly version: string };
  readonly Deno?: { readonly version: { readonly deno: string; readonly v8: string } };
  readonly process?: { readonly versions?: { readonly node?: string; readonly v8?: string } };
  readonly navigator?: { readonly userAgent?: string };
}

export function engineName(): string {
  const { Bun, Deno, process, navigator } = globalThis as Platform;
  if (Bun) return `Bun ${Bun.version}, JavaScriptCore`;
  if (Deno) return `Deno ${Deno.version.deno}, V8 ${Deno.version.v8}`;
  const agent = navigator?.userAgent ?? '';
  if (agent === 'Cloudflare-Workers') return 'workerd, V8';
  const firefox = /Firefox\/(\S+)/.exec(agent);
  if (firefox) return `Firefox ${firefox[1]}, SpiderMonkey`;
  const chromium = /Chrome\/(\S+)/.exec(agent);
  if (chromium) return `Chromium ${chromium[1]}, V8`;
  if (process?.versions?.node) return `Node ${process.versions.node}, V8 ${process.versions.v8}`;
  return agent || 'unknown';
}
