/**
 * `npm test`: types, lint, then every `*.test.ts` in Node's test runner.
 * `npm test -- PATTERN…` runs only the test files whose path contains one of the patterns; `--watch` runs them at each change.
 */

import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setup } from './setup.mjs';
import { filesUnder, ROOT } from './stamp.mjs';

const args = process.argv.slice(2);
const watch = args.includes('--watch');
const checkOnly = args.includes('--check');
const patterns = args.filter((a) => !a.startsWith('--'));
const whole = !watch && patterns.length === 0;

/** @param {readonly string[]} command */
const run = (command) => spawnSync(process.execPath, command, { cwd: ROOT, stdio: 'inherit' }).status === 0;

function check() {
  console.log('# types');
  const types = run(['node_modules/typescript/bin/tsc', '-p', '.']);
  console.log('# lint and format');
  const colors = process.stdout.isTTY ? 'force' : 'off';
  const lint = run(['node_modules/@biomejs/biome/bin/biome', 'ci', `--colors=${colors}`, '.']);
  return types && lint;
}

const files = checkOnly
  ? []
  : ['sdk', 'adapters', 'wasm', 'wgsl', 'conformance', 'examples', 'bench', 'scripts']
      .flatMap(filesUnder)
      .filter((f) => f.endsWith('.test.ts'))
      .filter((f) => patterns.length === 0 || patterns.some((p) => f.includes(p.replace(/^\.\//, ''))));

function test() {
  if (files.length === 0) {
    console.error(`no test file matches ${patterns.join(' ')}`);
    return false;
  }
  const runner = ['--import', 'tsx', '--test', '--test-concurrency=2'];
  if (watch) return run([...runner, '--watch', ...files]);
  // People read `spec`; the counts for the closing lines come from `tap`.
  const scratch = mkdtempSync(join(tmpdir(), 'isobit-test-'));
  const tap = join(scratch, 'tap');
  const reporters = ['--test-reporter=spec', '--test-reporter-destination=stdout'];
  reporters.push('--test-reporter=tap', `--test-reporter-destination=${tap}`);
  const passed = run([...runner, ...reporters, ...files]);
  const counts = readFileSync(tap, 'utf8').match(/^# (tests|suites|pass|fail|cancelled|skipped|todo) \d+$/gm) ?? [];
  console.log(counts.join('\n'));
  rmSync(scratch, { recursive: true });
  return passed;
}

// Only the tests beside the build script look at dist.
const dist = whole || checkOnly || (!watch && files.some((f) => f.startsWith('scripts/')));
setup({ dist, python: !watch && !checkOnly, browsers: !watch && !checkOnly, servers: !watch && !checkOnly });
const ok = [whole || checkOnly ? check() : true, checkOnly ? true : test()];
process.exit(ok.every(Boolean) ? 0 : 1);
