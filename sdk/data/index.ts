/** `isobit/data`: seeded batches, rows, .npy and .csv. */

export { type BatchOptions, batches } from './batches.ts';
export { type CsvReadOptions, type CsvWriteOptions, readCsv, writeCsv } from './csv.ts';
export { shortest } from './decimal.ts';
export { type NpyReadOptions, readNpy, writeNpy } from './npy.ts';
export { split, take } from './rows.ts';
export type { Batch, BatchSource } from './source.ts';
export { type Moments, moments } from './standardise.ts';
