/** The table of rows. */

import type { Launch } from './ask.ts';
import { chromium, firefox } from './browsers.ts';
import { bun, deno, node } from './processes.ts';
import { workerd } from './workerd.ts';

export interface Row {
  readonly runtime: string;
  readonly backend: 'wasm' | 'webgpu';
  readonly launch: Launch;
}

/** The long ones first, so that the last to end is a short one. */
export const ROWS: readonly Row[] = [
  { runtime: 'firefox-webgpu', backend: 'webgpu', launch: firefox },
  { runtime: 'deno-webgpu', backend: 'webgpu', launch: deno },
  { runtime: 'chromium-webgpu', backend: 'webgpu', launch: chromium },
  { runtime: 'node-webgpu', backend: 'webgpu', launch: node },
  { runtime: 'firefox-wasm', backend: 'wasm', launch: firefox },
  { runtime: 'workerd-wasm', backend: 'wasm', launch: workerd },
  { runtime: 'chromium-wasm', backend: 'wasm', launch: chromium },
  { runtime: 'deno-wasm', backend: 'wasm', launch: deno },
  { runtime: 'bun-wasm', backend: 'wasm', launch: bun },
  { runtime: 'node-wasm', backend: 'wasm', launch: node },
];
