import type { Start } from '../wasm/parts.ts';

export const kernels: string;
export const start: Start;
export function cores(): Promise<number>;
