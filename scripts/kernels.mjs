/** The kernels' builds: one source, with memory of its own or shared by threads. */

const COMMON = ['-O3', '--noAssert', '--runtime', 'stub', '--enable', 'simd'];
const SHARED = ['--enable', 'threads', '--importMemory', '--sharedMemory', '--maximumMemory', '65536'];

/**
 * By the name of the file in wasm/build: entry and flags of the AssemblyScript compiler. Shared memory comes zeroed, and so must
 * scratch stay when a thread starts: its zeros are no part of the binary.
 */
export const KERNELS = {
  kernels: { entry: 'wasm/index.ts', flags: COMMON },
  threads: { entry: 'wasm/threads.ts', flags: [...COMMON, ...SHARED, '--zeroFilledMemory'] },
};
