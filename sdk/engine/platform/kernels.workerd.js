/** Where compiling bytes is forbidden: the module is imported, and compiled when the worker is deployed. */
export { default } from '../../../dist/kernels.wasm';
