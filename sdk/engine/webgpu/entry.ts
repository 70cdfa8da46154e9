/** Where adapters are asked for: the platform's own WebGPU, or Dawn in Node (the npm package `webgpu`, an optional peer). */

/** Null where there is none, which spares loading what a GPU needs. */
export async function gpuEntry(): Promise<GPU | null> {
  return (globalThis.navigator as Navigator | undefined)?.gpu ?? (await dawn());
}

/** Dawn where package.json leads to it by the platform's conditions; a plain page cannot look up the name, and has none. */
async function dawn(): Promise<GPU | null> {
  const found = await import('#dawn').catch(() => null);
  return ((await found?.dawn()) ?? null) as GPU | null;
}
