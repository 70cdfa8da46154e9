/** The examples by name. */

import { irisRecipe } from './iris.ts';
import type { Inputs } from './labelled.ts';
import { lenetRecipe } from './lenet.ts';
import { mnistRecipe } from './mnist.ts';
import type { Recipe } from './recipe.ts';
import { syntheticRecipe } from './synthetic.ts';
import { textRecipe } from './text.ts';

export const RECIPES = {
  iris: irisRecipe,
  mnist: mnistRecipe,
  lenet: lenetRecipe,
  synthetic: syntheticRecipe,
  text: textRecipe,
} satisfies Record<string, Recipe<Inputs>>;
