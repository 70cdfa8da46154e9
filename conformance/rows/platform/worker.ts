/** A row in workerd, where WASM cannot be compiled from bytes: the module is imported. What it says is the answer's body. */

import type { RowOptions } from '../report.ts';
import kernels from './kernels.wasm';
import { runRow } from './row.ts';

export default {
  async fetch(request: Request): Promise<Response> {
    const options = (await request.json()) as RowOptions;
    const encoder = new TextEncoder();
    const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>();
    const writer = writable.getWriter();
    const write = (text: string) => void writer.write(encoder.encode(text));
    void runRow(options, (said) => write(`${JSON.stringify(said)}\n`), kernels).then(() => writer.close());
    return new Response(readable);
  },
};
