/** WGSL source as tokens, and the comments that the checks read. */

export interface Token {
  readonly kind: 'name' | 'number' | 'symbol' | 'end';
  readonly text: string;
  readonly line: number;
  readonly at: number;
}

export interface Source {
  readonly tokens: readonly Token[];
  /** Comment text by line; a comment that stands alone speaks for the line after it. */
  readonly comments: ReadonlyMap<number, string>;
}

// `>` comes alone: in a template it closes, so only the expression parser may join it with its neighbour.
const TOKEN =
  /(\s+)|(\/\/[^\n]*|\/\*[\s\S]*?\*\/)|([A-Za-z_]\w*)|(0[xX][\da-fA-F]*\.?[\da-fA-F]*(?:[pP][+-]?\d+)?[iufh]?|(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?[iufh]?)|(->|\+\+|--|<<=|<<|<=|==|!=|&&|\|\||[-+*/%&|^]=|[-+*/%&|^!~<>=.,;:(){}[\]@])/y;

export function tokenize(code: string): Source {
  const tokens: Token[] = [];
  const comments = new Map<number, string>();
  let line = 1;
  let lastLine = 0;
  TOKEN.lastIndex = 0;
  while (TOKEN.lastIndex < code.length) {
    const at = TOKEN.lastIndex;
    const m = TOKEN.exec(code);
    if (!m) throw new SyntaxError(`line ${line}: no WGSL token at '${code.slice(at, at + 12)}'`);
    const [text, , comment, name, number] = m;
    if (comment !== undefined) {
      const of = lastLine === line ? line : line + comment.split('\n').length;
      comments.set(of, `${comments.get(of) ?? ''}${comment.replace(/^\/[/*]\s*/, '')}`);
    } else if (m[1] === undefined) {
      const kind = name !== undefined ? 'name' : number !== undefined ? 'number' : 'symbol';
      tokens.push({ kind, text, line, at });
      lastLine = line;
    }
    line += text.split('\n').length - 1;
  }
  tokens.push({ kind: 'end', text: '', line, at: code.length });
  return { tokens, comments };
}
