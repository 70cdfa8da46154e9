/** WebGPU in Node: Dawn, the npm package `webgpu`, an optional peer. Plain JavaScript, because `#dawn` leads here. */

/**
 * Dawn ends the process when what `create` gave is collected while others live: it stays reachable here.
 * @type {object | null}
 */
let instance = null;

export async function dawn() {
  if (instance) return instance;
  const { create } = await import('webgpu').catch(() => ({ create: null }));
  instance = create?.([]) ?? null;
  return instance;
}
