/**
 * Importing a module of ours does nothing (conformance/architecture.test.ts), so the value of a top-level name may be left out where
 * nobody reads it. Bundlers cannot know that of calls, spreads and the like, unless it is written beside them.
 */

import { parseAst } from 'vite';

const MARK = '/* @__PURE__ */ ';
const FUNCTIONS = ['ArrowFunctionExpression', 'FunctionExpression', 'ClassExpression'];

/**
 * The code with a mark at each call that makes a top-level value. Another expression of which a bundler may think that it runs
 * code is put into a call, which bundlers take away again.
 * @param {string} code
 * @returns {string}
 */
export function pure(code) {
  /** @type {Map<number, string>} */
  const marks = new Map();
  /** @type {(at: number, text: string) => void} */
  const mark = (at, text) => marks.set(at, (marks.get(at) ?? '') + text);
  for (const statement of parseAst(code).body) {
    if (statement.type !== 'VariableDeclaration') continue;
    for (const { init } of statement.declarations) {
      const nodes = evaluated(init);
      if (nodes.some(mayRun)) {
        mark(/** @type {{ start: number }} */ (init).start, `${MARK}(() => (`);
        mark(/** @type {{ end: number }} */ (init).end, '))()');
      }
      const calls = nodes.filter(({ type }) => type === 'CallExpression' || type === 'NewExpression');
      for (const start of new Set(calls.map((call) => call.start))) mark(start, MARK);
    }
  }
  const places = [...marks.keys()].sort((a, b) => a - b);
  return places.reduceRight((text, at) => text.slice(0, at) + marks.get(at) + text.slice(at), code);
}

/**
 * @typedef {{ type: string, start: number, end: number, operator?: string, expressions?: object[] }} Node
 * @type {(node: Node) => boolean}
 */
const mayRun = ({ type, operator, expressions }) =>
  type === 'SpreadElement' ||
  type === 'MemberExpression' ||
  (type === 'TemplateLiteral' && expressions?.length !== 0) ||
  operator === '**';

/**
 * The nodes that are evaluated with this one.
 * @param {unknown} node
 * @returns {Node[]}
 */
function evaluated(node) {
  if (typeof node !== 'object' || node === null) return [];
  const { type } = /** @type {Partial<Node>} */ (node);
  if (type && FUNCTIONS.includes(type)) return [];
  // What is called has its mark.
  const inner = Object.entries(node).flatMap(([key, value]) => (key === 'callee' ? [] : evaluated(value)));
  return type ? [/** @type {Node} */ (node), ...inner] : inner;
}
