/** A checkpoint's content in an archive of another format, and back. */

import { OptionError } from '../core/errors.ts';
import type { HostArray, Json } from '../core/host.ts';
import { type Archive, fault, isDeep, isRecord } from './archive.ts';

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
/** True for a checkpoint in another format: its names are its own. */
export const holdsState = (a: Archive): boolean => a.metadata[STATE] !== undefined;

/**
 * A file that we wrote holds the state it came with; of any other the tensors are a model's weights.
 * @throws DataError (E_FORMAT) where the entry of the state holds something else
 */
export function fromArchive({ tensors, metadata, architecture }: Archive): Content {
  const { [STATE]: kept, ...rest } = metadata;
  if (kept !== undefined) {
    const { kind, schema, state } = stateIn(kept);
    const user = edited(state.user, rest);
    const said = user !== undefined && { schema: { ...schema, user: 1 }, state: { ...state, user } };
    return { kind, schema, state, ...said, tensors, metadata: {} };
  }
  const said = Object.keys(rest).length > 0;
  return {
    kind: 'weights',
    schema: { model: 1, ...(said && { user: 1 }) },
    state: { model: architecture ?? null, ...(said && { user: rest }) },
    tensors: new Map([...tensors].map(([name, t]) => [MODEL + name, t])),
    metadata: {},
  };
}

function stateIn(kept: Json): Pick<Content, 'kind' | 'schema' | 'state'> {
  let said: unknown = kept;
  try {
    if (typeof kept === 'string') said = JSON.parse(kept);
  } catch {} // a text is no state either
  const { kind, schema, state } = isRecord(said) ? said : {};
  if (typeof kind === 'string' && isRecord(schema) && isRecord(state) && !isDeep(said)) {
    return { kind, schema: schema as Content['schema'], state: state as Content['state'] };
  }
  throw fault('metadata', `the entry ${JSON.stringify(STATE)} is not the state of a checkpoint`, {
    hint: 'Another program wrote it, or it was changed: give that entry another name to read the tensors as weights.',
  });
}

/** Metadata that were written and may have been changed since: those that read the same keep their types. */
function edited(kept: Json | undefined, now: Archive['metadata']): Json | undefined {
  const text = (v: Json | undefined) => (typeof v === 'string' ? v : JSON.stringify(v));
  const before = (kept ?? {}) as Archive['metadata'];
  const all = Object.entries(now).map(([k, v]) => [k, text(before[k]) === text(v) ? before[k] : v] as const);
  return all.length > 0 ? Object.fromEntries(all) : kept;
}

/**
 * With `plain` a model under the parameters' own names; else all that is needed to come back as the same checkpoint.
 * @throws OptionError for metadata of the name under which that is kept
 */
export function toArchive({ kind, schema, state, tensors, metadata }: Content, plain: boolean): Archive {
  const architecture = state.model ?? null;
  const said = { ...(state.user as Archive['metadata'] | undefined), ...metadata };
  if (Object.hasOwn(said, STATE)) {
    throw new OptionError(`metadata: ${JSON.stringify(STATE)} is where other formats keep a checkpoint's state`, {
      hint: 'Give that entry another name.',
    });
  }
  if (!plain) {
    const kept = JSON.stringify({ kind, schema, state });
    return { tensors, metadata: { ...said, [STATE]: kept }, architecture };
  }
  const named = new Map([...tensors].map(([name, t]) => [name.slice(MODEL.length), t]));
  return { tensors: named, metadata: said, architecture };
}

/** The model alone: parameters, buffers, description and the user's metadata. */
export function forInference(c: Content): Content {
  const tensors = new Map([...c.tensors].filter(([name]) => name.startsWith(MODEL)));
  const { model = null, user } = c.state;
  const schema = Object.fromEntries(
    Object.entries(c.schema).filter(([k]) => ['model', 'numerics', 'user'].includes(k)),
  );
  return { ...c, kind: 'weights', schema, state: user === undefined ? { model } : { model, user }, tensors };
}
