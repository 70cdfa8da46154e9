/** Every option has an effect: what walks a component's table of options, and asks for a case of each. */

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';

/** The outcomes of an option at two values. */
export type Case = () => Promise<readonly [unknown, unknown]> | readonly [unknown, unknown];

export function live(component: string, options: readonly string[], cases: Readonly<Record<string, Case>>): void {
  describe(component, () => {
    for (const name of options) {
      test(name, async () => {
        assert.ok(cases[name], `the option ${name} of ${component} has no liveness case: add one`);
        const [a, b] = await cases[name]();
        assert.notDeepEqual(a, b);
      });
    }
    test('no case is left of an option that is gone', () => {
      assert.deepEqual(
        Object.keys(cases).filter((k) => !options.includes(k)),
        [],
      );
    });
  });
}
