import type { Start } from '../wasm/parts.ts';

/** Kernels for several threads: a WebAssembly module in base64. Null where there are no threads. */
export const kernels: string | null;
export const start: Start | null;
/** Processors that may be used. */
export function cores(): Promise<number>;
