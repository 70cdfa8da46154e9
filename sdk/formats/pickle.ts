/**
 * A reader of pickles that executes nothing: of Python's pickle opcodes those that state dicts are made of, and of Python's names
 * those that a caller allows. Everything else is refused with its name, as weights_only loading does in PyTorch.
 * Source of the opcodes: CPython's pickletools.
 */

import { fault } from './archive.ts';

/** A name that the pickle asks for, such as `torch._utils._rebuild_tensor_v2`. */
export interface Global {
  readonly global: string;
}

export interface PickleRules {
  readonly format: string;
  /** True for names that `call` understands, or that may stand as values. */
  allows(name: string): boolean;
  /** What a call of an allowed name gives. */
  call(name: string, args: readonly unknown[]): unknown;
  /** What stands outside the pickle. */
  persistent(id: unknown): unknown;
}

/** Dicts are Maps with keys of any kind, tuples and lists arrays; ints above 2^53 are BigInt. */
export function unpickle(bytes: Uint8Array, rules: PickleRules): unknown {
  return new Machine(bytes, rules).run();
}

/** Elements that a pickle of a state dict may hold: a bound on what hostile bytes can make us build. */
const MAX_STEPS = 20_000_000;
const MARK = Symbol('mark');

class Machine {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #rules: PickleRules;
  readonly #memo = new Map<number, unknown>();
  readonly #stack: unknown[] = [];
  /** A leading U+FEFF is part of a text. */
  readonly #decoder = new TextDecoder('utf-8', { ignoreBOM: true });
  #at = 0;

  constructor(bytes: Uint8Array, rules: PickleRules) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#rules = rules;
  }

  run(): unknown {
    for (let step = 0; step < MAX_STEPS; step++) {
      const offset = this.#at;
      const code = this.#take(1)[0];
      if (code === 0x2e) return this.#pop(); // STOP
      this.#execute(String.fromCharCode(code), offset);
    }
    throw this.#bad('is longer than any state dict', 0);
  }

  #execute(op: string, offset: number): void {
    const s = this.#stack;
    switch (op) {
      case '\x80': // PROTO
        if (this.#take(1)[0] > 5) throw this.#bad('a pickle of an unknown protocol', offset);
        return;
      case '\x95': // FRAME
        this.#take(8);
        return;
      case '(':
        s.push(MARK);
        return;
      case '0':
        this.#pop();
        return;
      case 'N':
        s.push(null);
        return;
      case '\x88':
        s.push(true);
        return;
      case '\x89':
        s.push(false);
        return;
      case 'K':
        s.push(this.#take(1)[0]);
        return;
      case 'M':
        s.push(this.#number(2));
        return;
      case 'J':
        s.push(this.#number(4) | 0);
        return;
      case '\x8a': // LONG1
        s.push(this.#long(this.#take(this.#take(1)[0])));
        return;
      case 'G':
        this.#take(8);
        s.push(this.#view.getFloat64(this.#at - 8));
        return;
      case 'X':
        s.push(this.#text(this.#number(4)));
        return;
      case '\x8c':
        s.push(this.#text(this.#take(1)[0]));
        return;
      case '}':
        s.push(new Map());
        return;
      case ']':
        s.push([]);
        return;
      case ')':
        s.push([]);
        return;
      case 't':
        s.push(this.#marked());
        return;
      case '\x85':
      case '\x86':
      case '\x87': {
        const n = op.charCodeAt(0) - 0x84;
        if (s.length < n) throw this.#bad('takes more than there is', offset);
        s.push(s.splice(s.length - n, n));
        return;
      }
      case 'q':
        this.#memo.set(this.#take(1)[0], s[s.length - 1]);
        return;
      case 'r':
        this.#memo.set(this.#number(4), s[s.length - 1]);
        return;
      case '\x94':
        this.#memo.set(this.#memo.size, s[s.length - 1]);
        return;
      case 'h':
        s.push(this.#recall(this.#take(1)[0], offset));
        return;
      case 'j':
        s.push(this.#recall(this.#number(4), offset));
        return;
      case 'a': {
        const item = this.#pop();
        this.#list(offset).push(item);
        return;
      }
      case 'e': {
        const items = this.#marked();
        const list = this.#list(offset);
        for (const x of items) list.push(x);
        return;
      }
      case 's': {
        const value = this.#pop();
        const key = this.#pop();
        this.#map(offset).set(key, value);
        return;
      }
      case 'u': {
        const items = this.#marked();
        const map = this.#map(offset);
        for (let i = 0; i + 1 < items.length; i += 2) map.set(items[i], items[i + 1]);
        return;
      }
      case 'c':
        this.#global(`${this.#line()}.${this.#line()}`, offset);
        return;
      case '\x93': {
        const name = this.#pop();
        const module = this.#pop();
        if (typeof name !== 'string' || typeof module !== 'string') throw this.#bad('asks for what is no name', offset);
        this.#global(`${module}.${name}`, offset);
        return;
      }
      case 'Q':
        s.push(this.#rules.persistent(this.#pop()));
        return;
      case 'R': {
        const args = this.#pop();
        const f = this.#pop() as Global;
        if (!Array.isArray(args) || typeof f?.global !== 'string') throw this.#bad('calls what is no name', offset);
        s.push(this.#rules.call(f.global, args));
        return;
      }
      case 'b': // BUILD: the attributes of an OrderedDict (_metadata), which tell nothing about values
        this.#pop();
        return;
      default:
        throw this.#bad(`has opcode 0x${op.charCodeAt(0).toString(16)}, which no state dict needs`, offset);
    }
  }

  #global(name: string, offset: number): void {
    if (!this.#rules.allows(name)) {
      throw fault(this.#rules.format, `asks for ${JSON.stringify(name)} at byte ${offset}`, {
        hint: 'Only state dicts of tensors, numbers and texts are read, and nothing is executed: save model.state_dict().',
        details: { offset, global: name },
      });
    }
    this.#stack.push({ global: name } satisfies Global);
  }

  #bad(message: string, offset: number): Error {
    return fault(this.#rules.format, `its pickle ${message}, at byte ${offset}`, { details: { offset } });
  }

  #take(n: number): Uint8Array {
    if (n > this.#bytes.length - this.#at) throw this.#bad('is cut off', this.#at);
    this.#at += n;
    return this.#bytes.subarray(this.#at - n, this.#at);
  }

  #number(width: 2 | 4): number {
    const at = this.#at;
    this.#take(width);
    return width === 2 ? this.#view.getUint16(at, true) : this.#view.getUint32(at, true);
  }

  #long(bytes: Uint8Array): number | bigint {
    let v = 0n;
    for (let i = bytes.length - 1; i >= 0; i--) v = (v << 8n) | BigInt(bytes[i]);
    v = BigInt.asIntN(bytes.length * 8, v);
    return Number.isSafeInteger(Number(v)) ? Number(v) : v;
  }

  #text(n: number): string {
    return this.#decoder.decode(this.#take(n));
  }

  #line(): string {
    const end = this.#bytes.indexOf(0x0a, this.#at);
    if (end < 0) throw this.#bad('is cut off', this.#at);
    const text = this.#text(end - this.#at);
    this.#at++;
    return text;
  }

  #pop(): unknown {
    if (this.#stack.length === 0) throw this.#bad('takes more than there is', this.#at);
    return this.#stack.pop();
  }

  #marked(): unknown[] {
    const at = this.#stack.lastIndexOf(MARK);
    if (at < 0) throw this.#bad('misses a mark', this.#at);
    return this.#stack.splice(at).slice(1);
  }

  #recall(i: number, offset: number): unknown {
    if (!this.#memo.has(i)) throw this.#bad(`recalls entry ${i}, which was never set`, offset);
    return this.#memo.get(i);
  }

  #list(offset: number): unknown[] {
    const top = this.#stack[this.#stack.length - 1];
    if (Array.isArray(top)) return top as unknown[];
    throw this.#bad('appends to what is no list', offset);
  }

  #map(offset: number): Map<unknown, unknown> {
    const top = this.#stack[this.#stack.length - 1];
    if (top instanceof Map) return top;
    throw this.#bad('sets an item of what is no dict', offset);
  }
}
