/**
 * The static check of the WASM kernels: the built binary is disassembled (by binaryen, which also compiles AssemblyScript), and
 * every instruction must be on the list. So no relaxed SIMD, whose results may differ between machines; no float arithmetic
 * that the contract does not name; no import, through which a platform's Math could enter.
 */

import binaryen from 'binaryen';
import { ATOMIC_OPCODES, FLOAT_OPCODES, isInteger, RATIO_PAIR, STRUCTURE } from './opcodes.ts';

export interface ScannedFunction {
  /** From the module's names, else the function's index. */
  readonly name: string;
  readonly instructions: number;
  /** How often each float instruction occurs. */
  readonly floats: ReadonlyMap<string, number>;
  readonly atomics: ReadonlySet<string>;
}

export interface Scanned {
  readonly functions: readonly ScannedFunction[];
  /** What breaks the contract, and the function it is in; empty when nothing does. */
  readonly findings: readonly string[];
}

/** Throws at bytes that are no module. `shared`: the build for threads, which imports the memory, and nothing else. */
export function scanBinary(bytes: Uint8Array, { shared = false } = {}): Scanned {
  // Not WebAssembly.validate: an engine may not know an instruction that is to be found.
  const module = binaryen.readBinaryWithFeatures(bytes, binaryen.Features.All);
  try {
    if (!module.validate()) throw new Error('binary: not a valid WASM module');
    const functions: ScannedFunction[] = [];
    const findings: string[] = [];
    const whole = parse(module.emitText());
    if (whole.head !== 'module') throw new Error(`binary: the disassembly begins with ${whole.head}`);
    for (const part of whole.parts) {
      if (part.head === 'import' && shared && part.parts[0]?.head === 'memory') continue;
      if (part.head !== 'func') judge(part, 'module', 'the module', findings);
      else functions.push(scanFunction(part, findings, shared));
    }
    return { functions, findings };
  } finally {
    module.dispose();
  }
}

function scanFunction(func: Form, findings: string[], shared: boolean): ScannedFunction {
  const name = func.words[0].replace(/^\$/, '');
  const floats = new Map<string, number>();
  let instructions = 0;
  const atomics = new Set<string>();
  const found: string[] = [];
  judge(func, 'module', name, found, ({ head }) => {
    if (head in FLOAT_OPCODES) floats.set(head, (floats.get(head) ?? 0) + 1);
    if (head in ATOMIC_OPCODES) atomics.add(head);
    if (!DECLARATIONS.has(head)) instructions++;
  });
  findings.push(...found.filter((f) => !(shared && atomics.has(f.slice(f.lastIndexOf(' ') + 1)))));
  return { name, instructions, floats, atomics };
}

const DECLARATIONS = new Set(['func', 'type', 'param', 'result', 'local', 'then', 'else']);

/** Holds a form and all within to the list. */
function judge(
  form: Form,
  parent: string,
  where: string,
  findings: string[],
  onForm: (f: Form) => void = () => {},
): void {
  const { head } = form;
  onForm(form);
  if (!(head in FLOAT_OPCODES || STRUCTURE.has(head) || isInteger(head))) findings.push(`${where}: ${head}`);
  if (head === RATIO_PAIR.inner && parent !== RATIO_PAIR.outer) findings.push(`${where}: ${head} within ${parent}`);
  if (parent === RATIO_PAIR.outer && head !== RATIO_PAIR.inner) findings.push(`${where}: ${parent} of ${head}`);
  for (const part of form.parts) judge(part, head, where, findings, onForm);
}

/** One pair of parentheses of the text format: its first word, the other words, and the forms within. */
interface Form {
  readonly head: string;
  readonly words: string[];
  readonly parts: Form[];
}

/** Strings and comments may hold parentheses. */
const TOKEN = /;;[^\n]*|\(;[\s\S]*?;\)|"(?:[^"\\]|\\.)*"|[()]|[^\s()";]+/g;

function parse(text: string): Form {
  const root: Form = { head: '', words: [], parts: [] };
  const open = [root];
  let begins = false;
  for (const [token] of text.matchAll(TOKEN)) {
    if (token.startsWith(';;') || token.startsWith('(;')) continue;
    if (token === '(') begins = true;
    else if (token === ')') open.pop();
    else if (begins) {
      const form: Form = { head: token, words: [], parts: [] };
      open.at(-1)?.parts.push(form);
      open.push(form);
      begins = false;
    } else open.at(-1)?.words.push(token);
  }
  if (open.length !== 1 || root.parts.length !== 1) throw new Error('binary: the disassembly cannot be read');
  return root.parts[0];
}
