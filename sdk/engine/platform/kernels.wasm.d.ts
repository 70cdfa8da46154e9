/**
 * The kernels. What importing a .wasm file gives is the platform's choice, a compiled WebAssembly.Module on edge workers:
 * `createRuntime({ wasm })` takes a module, bytes or an address. Not every platform's types know WebAssembly, so this one
 * does not name it.
 */
declare const kernels: object;
export default kernels;
