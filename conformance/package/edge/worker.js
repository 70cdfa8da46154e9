/** An edge worker: takes the weights of a run from a server at the first request, and answers with predictions. */

import { createRuntime } from 'isobit';
import { fetchStore } from 'isobit/adapters/fetch';
import { RunStore } from 'isobit/checkpoint';
import { build } from 'isobit/nn/build';
import { loadWeights } from 'isobit/train';

/** Filled by the first request, because nothing can be fetched before. */
let loaded = null;

async function load(address) {
  const rt = await createRuntime();
  const { file, commit } = await new RunStore(fetchStore(address, { readOnly: true })).open();
  const model = build(file.state.model).init(rt);
  await loadWeights(model, file);
  return { rt, model, step: commit.step };
}

export default {
  async fetch(request, env) {
    loaded ??= await load(env.WEIGHTS);
    const { rt, model, step } = loaded;
    const rows = await request.json();
    const x = rt.tensor(rows.flat(), [rows.length, 4]);
    const logits = await model.forward(x).data();
    x.dispose();
    return Response.json({ why: rt.why, step, bits: [...new Uint32Array(logits.buffer)] });
  },
};
