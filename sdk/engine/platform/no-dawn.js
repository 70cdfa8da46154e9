/** Where there is no Dawn: browsers, Deno and Bun have a WebGPU of their own or none, edge workers have none. */
export async function dawn() {
  return null;
}
