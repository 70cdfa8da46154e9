/** The process of the memory part: prints its samples. Arguments: the device, and the steps. */

import process from 'node:process';
import { createRuntime } from '../../sdk/index.ts';
import { provideGpu } from '../gpu.ts';
import { TINY } from '../nets.ts';
import { flat } from './flat.ts';

const [device, steps] = process.argv.slice(2);
const backend = device === 'webgpu' ? 'webgpu' : 'wasm';
if (backend === 'webgpu') await provideGpu();
const rt = await createRuntime({ backend });
const { gc } = globalThis as { gc?: () => void };
if (!gc) throw new Error('bench: start with --expose-gc');
console.log(JSON.stringify(await flat(rt, TINY, Number(steps), 9, gc)));
await rt.dispose();
process.exit(0);
