/** Who is timed: a module of this folder, and what it exports. */

import type { Place } from './work.ts';

export interface Library {
  readonly name: string;
  readonly module: string;
  readonly open: string;
}

export const OURS: Library = { name: 'isobit', module: 'isobit/index', open: 'open' };
export const TRAINER: Library = { name: 'Trainer', module: 'isobit/index', open: 'openTrainer' };
export const SAVING: Library = { name: 'saving', module: 'isobit/saving', open: 'openSaving' };
export const UNSAVED: Library = { name: 'not saving', module: 'isobit/saving', open: 'openUnsaved' };
export const JAX: Library = { name: 'jax-js', module: 'peers/jax', open: 'open' };
export const TFJS: Library = { name: 'tfjs', module: 'peers/tfjs', open: 'open' };
export const ORT: Library = { name: 'onnxruntime-web', module: 'peers/ort', open: 'open' };
export const HAND: Library = { name: 'by hand', module: 'hand/index', open: 'open' };

export const ALL: readonly Library[] = [OURS, TRAINER, SAVING, JAX, TFJS, ORT, HAND];

export const WASM: Place = { device: 'wasm', threads: 1 };
export const WEBGPU: Place = { device: 'webgpu', threads: 1 };
