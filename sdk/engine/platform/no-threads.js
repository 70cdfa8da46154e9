/** Where there are no threads: edge workers. */
export const kernels = null;
export const start = null;
export const cores = async () => 1;
