/** The examples of the page: those of `isobit train`, with digits that come from the page's own server. */

import { DataError } from '../../sdk/core/errors.ts';
import type { HostArray } from '../../sdk/core/host.ts';
import { readNpy } from '../../sdk/data/index.ts';
import { irisRecipe } from '../iris.ts';
import type { Labelled } from '../labelled.ts';
import { mnistRecipe, mnistTask } from '../mnist.ts';
import type { Recipe } from '../recipe.ts';
import type { Example } from './protocol.ts';

/** Where the server has the digits: grey values as bytes [10000, 784], labels as bytes [10000]. */
export const DIGITS = { pixels: 'digits.npy', labels: 'labels.npy' } as const;

/** MNIST's bytes as the package `mnist` has them: in thousandths, ink = 1. */
export const greyOf = (byte: number): number => Math.fround(Math.round((byte / 255) * 1000) / 1000);
/** And back. Loops, because `from` with a function takes a second for all digits. */
export function bytesOf(greys: Float32Array): Uint8Array {
  const bytes = new Uint8Array(greys.length);
  for (let i = 0; i < greys.length; i++) bytes[i] = Math.round(greys[i] * 255);
  return bytes;
}

/** The same arrays as `loadMnist` gives. */
export function digitsFrom(pixels: HostArray, labels: HostArray): Labelled {
  const greys = Float32Array.from({ length: 256 }, (_, byte) => greyOf(byte));
  const data = new Float32Array(pixels.data.length);
  for (let i = 0; i < data.length; i++) data[i] = greys[pixels.data[i]];
  return {
    x: { data, shape: pixels.shape, dtype: 'f32' },
    y: { data: Int32Array.from(labels.data), shape: labels.shape, dtype: 'i32' },
  };
}

let digits: Promise<Labelled> | undefined;

/** Fetched once, and again after a failure. */
function fetchDigits(): Promise<Labelled> {
  digits ??= Promise.all([fetchNpy(DIGITS.pixels), fetchNpy(DIGITS.labels)]).then(([x, y]) => digitsFrom(x, y));
  digits.catch(() => {
    digits = undefined;
  });
  return digits;
}

async function fetchNpy(name: string): Promise<HostArray> {
  const answer = await fetch(new URL(name, import.meta.url)).catch((cause: unknown) => {
    throw new DataError(`${name}: the page's server does not answer`, {
      hint: 'Start it again with npm run demo.',
      cause,
    });
  });
  if (!answer.ok) {
    throw new DataError(`${name}: the page's server answers ${answer.status}`, {
      hint: 'Start it again with npm run demo.',
    });
  }
  return readNpy(new Uint8Array(await answer.arrayBuffer()));
}

const digitsRecipe: Recipe = {
  ...mnistRecipe,
  tasks: async ({ rng }) => [mnistTask(await fetchDigits(), rng)],
};

export const EXAMPLES: Readonly<Record<Example, Recipe>> = { iris: irisRecipe, digits: digitsRecipe };
