/** Kernels in WGSL as they are shipped: without comments, and without the space that only people need. */

import { readFileSync } from 'node:fs';
import { parseSync } from 'vite';

/** Sources whose templates are WGSL or parts of it, but for messages of errors. */
const SOURCES = /\/(wgsl\/functions|sdk\/engine\/webgpu)\/[\w-]+\.ts$/;
/** In place of a template's expression. */
const HOLE = '\u0000';

/**
 * A template's text. Beside a hole a line keeps its end, for a comment may be put there, and a sign that may be the first of two its
 * distance.
 * @param {string} text
 * @returns {string}
 */
export function compact(text) {
  return text
    .replaceAll(/\s*\/\/[^\n]*/g, '')
    .replaceAll(/\s+/g, (space, at, all) =>
      space.includes('\n') && (all[at - 1] === HOLE || all[at + space.length] === HOLE) ? '\n' : ' ',
    )
    .replaceAll(/(?<=[\w)\]]) (&&|\|\||<<|>>|[<>!=+*/%&|^-]=|[<>&|/-]) (?=[\w(!])/g, '$1')
    .replaceAll(/ ?([;{}(),:[\]+*%^]|(?<=[\w)\]] ?)=(?=[^=])) ?/g, '$1');
}

/** @type {import('esbuild').Plugin} */
export const wgsl = {
  name: 'wgsl',
  setup(build) {
    build.onLoad({ filter: SOURCES }, ({ path }) => ({ contents: shipped(path), loader: 'ts' }));
  },
};

/**
 * A source with its templates compact.
 * @param {string} path
 * @returns {string}
 */
export function shipped(path) {
  const code = readFileSync(path, 'utf8');
  const pieces = templates(parseSync(path, code).program).flatMap(({ quasis }) => {
    const parts = compact(quasis.map((q) => q.value.raw).join(HOLE)).split(HOLE);
    return quasis.map(({ start, value: { raw } }, i) => ({ at: code.indexOf(raw, start), raw, part: parts[i] }));
  });
  pieces.sort((x, y) => y.at - x.at);
  return pieces.reduce((text, { at, raw, part }) => text.slice(0, at) + part + text.slice(at + raw.length), code);
}

/**
 * @typedef {{ type?: string, quasis: { start: number, value: { raw: string } }[] }} Node
 * @param {unknown} node
 * @returns {Node[]} templates that are not of an error
 */
function templates(node) {
  if (typeof node !== 'object' || node === null) return [];
  const { type } = /** @type {Node} */ (node);
  if (type === 'NewExpression') return [];
  const inner = Object.values(node).flatMap(templates);
  return type === 'TemplateLiteral' ? [/** @type {Node} */ (node), ...inner] : inner;
}
