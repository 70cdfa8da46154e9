/** The table of rows: how each is launched. */

import type { RuntimeName } from '../report.ts';
import type { Launch } from './ask.ts';
import { chromium, firefox } from './browsers.ts';
import { bun, deno, node } from './processes.ts';
import { workerd } from './workerd.ts';

export interface Row {
  readonly backend: 'wasm' | 'webgpu';
  readonly launch: Launch;
}

export const ROWS: Readonly<Record<RuntimeName, Row>> = {
  'node-wasm': { backend: 'wasm', launch: node },
  'node-webgpu': { backend: 'webgpu', launch: node },
  'bun-wasm': { backend: 'wasm', launch: bun },
  'deno-wasm': { backend: 'wasm', launch: deno },
  'deno-webgpu': { backend: 'webgpu', launch: deno },
  'chromium-wasm': { backend: 'wasm', launch: chromium },
  'chromium-webgpu': { backend: 'webgpu', launch: chromium },
  'firefox-wasm': { backend: 'wasm', launch: firefox },
  'firefox-webgpu': { backend: 'webgpu', launch: firefox },
  'workerd-wasm': { backend: 'wasm', launch: workerd },
};
