/** The examples by name. */

import { irisRecipe } from './iris.ts';
import { mnistRecipe } from './mnist.ts';
import type { Recipe } from './recipe.ts';
import { syntheticRecipe } from './synthetic.ts';

export const RECIPES = { iris: irisRecipe, mnist: mnistRecipe, synthetic: syntheticRecipe } satisfies Record<
  string,
  Recipe
>;
