/** The kernels of several threads: the same sources over memory that they share. Each thread has an instance of its own. */
export { dismiss, enlist, fail, work } from './crew';
export * from './index';
