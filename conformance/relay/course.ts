/** What is run in a relay: an example, and the steps at which one runtime hands over to the next. */

import { memoryStore } from '../../adapters/memory.ts';
import { irisRecipe } from '../../examples/iris.ts';
import type { Recipe, Task } from '../../examples/recipe.ts';
import { SYNTHETIC, syntheticRecipe } from '../../examples/synthetic.ts';
import type { Rng } from '../../sdk/core/rng.ts';
import { cosineDecay, sgd } from '../../sdk/optim/index.ts';

/** An example, and which of its tasks. */
interface Course {
  readonly recipe: Recipe;
  readonly task: number;
}

/** Of the synthetic run. */
const STEPS = 285;

/** Iris as it is, with Adam; and the largest synthetic set with what differs most: SGD with momentum, a schedule. */
export const COURSES: Readonly<Record<string, Course>> = {
  iris: { recipe: irisRecipe, task: 0 },
  synthetic: {
    recipe: {
      ...syntheticRecipe,
      optimizer: () => sgd({ lr: cosineDecay({ lr: 0.1, steps: STEPS }), momentum: 0.9, nesterov: true }),
    },
    task: SYNTHETIC.findIndex((set) => set.name === 'large_multi'),
  },
};

/** `example` is one of COURSES. */
export async function taskOf(example: string, rng: Rng): Promise<{ recipe: Recipe; task: Task }> {
  const course = COURSES[example];
  const stores = course.recipe.runs.map(() => memoryStore());
  const tasks = await course.recipe.tasks({ rng, holdout: false, stores });
  return { recipe: course.recipe, task: tasks[course.task] };
}

/**
 * The steps at which `legs` runtimes hand over, the last of which is the end of the run. Each of the others is in the middle
 * of an epoch, and so none is one at which the recipe saves by itself.
 */
export function handovers(recipe: Recipe, rows: number, legs: number): number[] {
  const batches = Math.ceil(rows / recipe.batch);
  const total = recipe.epochs * batches;
  const inside = (step: number) => step + (step % batches === 0 ? 1 : 0);
  return Array.from({ length: legs }, (_, i) =>
    i === legs - 1 ? total : inside(Math.floor((total * (i + 1)) / legs) + 1 + ((3 * i) % (batches - 1))),
  );
}
