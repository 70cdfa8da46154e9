/** The little XML that S3 speaks. Whatever is not plainly that is refused: there are no entities but XML's own five. */

export interface Element {
  readonly name: string;
  readonly children: readonly Element[];
  readonly text: string;
}

const DEPTH = 16;
const NAMED: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };
const TAG = /<(\/?)([\w.:-]+)(?:\s+[\w.:-]+\s*=\s*(?:"[^"<]*"|'[^'<]*'))*\s*(\/?)>/y;
/** What is passed over, or taken as it is. */
const SPANS = [
  ['<?', '?>'],
  ['<!--', '-->'],
  ['<![CDATA[', ']]>'],
] as const;

/** Null where the text is anything else. */
export function parseXml(source: string): Element | null {
  const root = { name: '', children: [] as Element[], text: '' };
  const open = [root];
  const tag = new RegExp(TAG);
  for (let at = 0; at < source.length; ) {
    const top = open[open.length - 1];
    const span = SPANS.find(([start]) => source.startsWith(start, at));
    if (span) {
      const from = at + span[0].length;
      const to = source.indexOf(span[1], from);
      if (to < 0) return null;
      if (span[0] === '<![CDATA[') top.text += source.slice(from, to);
      at = to + span[1].length;
    } else if (source[at] === '<') {
      tag.lastIndex = at;
      const [, end, name, empty] = tag.exec(source) ?? [];
      if (name === undefined) return null;
      at = tag.lastIndex;
      if (end) {
        if (open.length < 2 || top.name !== name || empty) return null;
        open.pop();
        continue;
      }
      const element = { name, children: [], text: '' };
      top.children.push(element);
      if (!empty && open.push(element) > DEPTH) return null;
    } else {
      const to = source.indexOf('<', at);
      const text = decoded(source.slice(at, to < 0 ? source.length : to));
      if (text === null) return null;
      top.text += text;
      at = to < 0 ? source.length : to;
    }
  }
  return open.length === 1 && root.children.length === 1 && root.text.trim() === '' ? root.children[0] : null;
}

function decoded(text: string): string | null {
  let bad = false;
  const out = text.replace(/&(?:#(\d{1,7})|#x([\da-fA-F]{1,6})|(\w+));?|&/g, (all, ten, sixteen, name) => {
    const code = ten ? Number(ten) : sixteen ? Number.parseInt(sixteen, 16) : undefined;
    const found = code === undefined ? NAMED[name] : code <= 0x10ffff ? String.fromCodePoint(code) : undefined;
    bad ||= found === undefined || !all.endsWith(';');
    return found ?? '';
  });
  return bad ? null : out;
}

export const childOf = (e: Element, name: string): Element | undefined => e.children.find((c) => c.name === name);

export const textOf = (e: Element | null | undefined, name: string): string | undefined =>
  e ? childOf(e, name)?.text : undefined;

export const escapeXml = (text: string): string => text.replace(/[&<>"']/g, (c) => `&#${c.charCodeAt(0)};`);
