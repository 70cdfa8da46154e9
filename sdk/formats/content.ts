/** A checkpoint's content in an archive of another format, and back. */

import type { HostArray, Json } from '../core/host.ts';
import type { Archive } from './archive.ts';

/** What a checkpoint holds, whatever it came from. */
export interface Content {
  readonly kind: string;
  readonly schema: Readonly<Record<string, number>>;
  readonly state: { readonly [k: string]: Json };
  readonly tensors: ReadonlyMap<string, HostArray>;
  /** Of the other format, beside what is in `state`. */
  readonly metadata: Archive['metadata'];
}

/** The root of a model's tensors in a checkpoint. */
export const MODEL = 'model/';
/** Where another format keeps what only a checkpoint has a place for. */
const STATE = 'isobit';

/** A file that we wrote holds the state it came with; of any other the tensors are a model's weights. */
export function fromArchive({ tensors, metadata, architecture }: Archive): Content {
  const { [STATE]: kept, ...rest } = metadata;
  if (kept !== undefined) {
    const { kind, schema, state } = (typeof kept === 'string' ? JSON.parse(kept) : kept) as Content;
    return { kind, schema, state, tensors, metadata: rest };
  }
  const user: Content['state'] = Object.keys(rest).length > 0 ? { user: rest } : {};
  return {
    kind: 'weights',
    schema: { model: 1 },
    state: { model: architecture ?? null, ...user },
    tensors: new Map([...tensors].map(([name, t]) => [MODEL + name, t])),
    metadata: {},
  };
}

/** With `plain` a model under the parameters' own names; else all that is needed to come back as the same checkpoint. */
export function toArchive({ kind, schema, state, tensors, metadata }: Content, plain: boolean): Archive {
  const architecture = state.model ?? null;
  if (!plain) {
    const kept = JSON.stringify({ kind, schema, state });
    return { tensors, metadata: { ...metadata, [STATE]: kept }, architecture };
  }
  const user = state.user as Archive['metadata'] | undefined;
  const named = new Map([...tensors].map(([name, t]) => [name.slice(MODEL.length), t]));
  return { tensors: named, metadata: { ...user, ...metadata }, architecture };
}

/** The model alone: parameters, buffers, description and the user's metadata. */
export function forInference(c: Content): Content {
  const tensors = new Map([...c.tensors].filter(([name]) => name.startsWith(MODEL)));
  const { model = null, user } = c.state;
  const schema = Object.fromEntries(Object.entries(c.schema).filter(([k]) => k === 'model' || k === 'numerics'));
  return { ...c, kind: 'weights', schema, state: user === undefined ? { model } : { model, user }, tensors };
}
