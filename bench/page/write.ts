/** The page with plots: one HTML file that needs nothing else. */

import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import type { Pace } from '../race.ts';
import type { Row } from '../rows.ts';

/** What a run gave; also what `--json` prints. */
export interface Report {
  /** Of the machine. */
  readonly where: string;
  readonly quick: boolean;
  readonly pace: Pace;
  readonly rows: readonly Row[];
}

const HERE = fileURLToPath(new URL('.', import.meta.url));
const OUT = fileURLToPath(new URL('../out', import.meta.url));

/** Writes the report with its plots, and answers with the file. */
export async function writePage(report: Report, folder = OUT): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: [join(HERE, 'plots.ts')],
    bundle: true,
    minify: true,
    format: 'iife',
    target: 'es2022',
    write: false,
    logLevel: 'warning',
  });
  const read = (path: string) => readFileSync(path, 'utf8');
  const uplot = read(createRequire(import.meta.url).resolve('uplot/dist/uPlot.min.css'));
  // Inside a script element nothing but its own end is special.
  const safe = (text: string) => text.replaceAll('</', '<\\/');
  const html = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<link rel="icon" href="data:,">
<title>isobit beside other libraries</title>
<style>${uplot}${read(join(HERE, 'style.css'))}</style>
<main><h1>isobit beside other libraries</h1><p id="where"></p></main>
<script type="application/json" id="report">${safe(JSON.stringify(report))}</script>
<script>${safe(outputFiles[0].text)}</script>
</html>
`;
  mkdirSync(folder, { recursive: true });
  const file = join(folder, 'index.html');
  writeFileSync(file, html);
  return file;
}
