/** A small language model that learns a poem by heart, character by character. */

import { Embedding, LayerNorm, Linear, PositionalEmbedding, Sequential, TransformerBlock } from '../sdk/nn/index.ts';
import { adam } from '../sdk/optim/index.ts';
import type { Labelled } from './labelled.ts';
import type { Recipe } from './recipe.ts';

/** Lewis Carroll, "Jabberwocky", in "Through the Looking-Glass", 1871. */
export const POEM = `'Twas brillig, and the slithy toves
Did gyre and gimble in the wabe:
All mimsy were the borogoves,
And the mome raths outgrabe.

"Beware the Jabberwock, my son!
The jaws that bite, the claws that catch!
Beware the Jubjub bird, and shun
The frumious Bandersnatch!"

He took his vorpal sword in hand;
Long time the manxome foe he sought--
So rested he by the Tumtum tree
And stood awhile in thought.

And, as in uffish thought he stood,
The Jabberwock, with eyes of flame,
Came whiffling through the tulgey wood,
And burbled as it came!

One, two! One, two! And through and through
The vorpal blade went snicker-snack!
He left it dead, and with its head
He went galumphing back.

"And hast thou slain the Jabberwock?
Come to my arms, my beamish boy!
O frabjous day! Callooh! Callay!"
He chortled in his joy.
`;

/** Its characters in the order of their codes; a token is a place in this list. */
export const LETTERS: readonly string[] = [...new Set(POEM)].sort();
/** Characters that the model sees at once. */
const LENGTH = 32;
const WIDTH = 32;

/** A window from each place of the poem, and the character that follows each of its own: x, y [windows, LENGTH]. */
export function poemWindows(): Labelled<'i32'> {
  const tokens = Array.from(POEM, (c) => LETTERS.indexOf(c));
  const rows = tokens.length - LENGTH;
  const windows = (shift: number) => ({
    data: Int32Array.from({ length: rows * LENGTH }, (_, i) => tokens[Math.floor(i / LENGTH) + (i % LENGTH) + shift]),
    shape: [rows, LENGTH],
    dtype: 'i32' as const,
  });
  return { x: windows(0), y: windows(1) };
}

/** Two causal blocks of width 32 with four heads. Accuracy is the share of characters foretold, the first of a window too. */
export const textRecipe: Recipe<'i32'> = {
  runs: [''],
  epochs: 10,
  batch: 32,
  checkpoint: { everyEpochs: 5, keepLast: 2 },
  canHoldOut: false,
  optimizer: () => adam({ lr: 1e-2 }),
  tasks: async () => [
    {
      train: poemWindows(),
      test: null,
      model: () =>
        new Sequential(
          new Embedding(LETTERS.length, WIDTH),
          new PositionalEmbedding(LENGTH, WIDTH),
          new TransformerBlock(WIDTH, 4, { causal: true }),
          new TransformerBlock(WIDTH, 4, { causal: true }),
          new LayerNorm(WIDTH),
          new Linear(WIDTH, LETTERS.length),
        ),
    },
  ],
};
