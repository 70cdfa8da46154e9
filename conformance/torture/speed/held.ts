/** Arrays as a device holds them: a save has to read each, into memory that it hands over, as from WASM. */

import type { TensorSource } from '../../../sdk/checkpoint/index.ts';
import type { HostArray } from '../../../sdk/core/host.ts';

export const held = (model: ReadonlyMap<string, HostArray>): Map<string, TensorSource> =>
  new Map(
    [...model].map(([name, { data, dtype, shape }]) => [
      name,
      {
        dtype,
        shape,
        read: async ({ into } = {}) => {
          if (!into) return data.slice();
          into.set(data as never);
          return into;
        },
      },
    ]),
  );
