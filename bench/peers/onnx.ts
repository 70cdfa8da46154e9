/** The nets as ONNX models, with the operators and layouts that PyTorch's exporter gives. */

import proto, { type onnx } from 'onnx-proto';
import { inputOf, type Net, NORM_EPS, type Parameter, parametersOf, permuted, type Transformer } from '../nets.ts';

const FLOAT = proto.onnx.TensorProto.DataType.FLOAT;
const INT64 = proto.onnx.TensorProto.DataType.INT64;
/** The first opset with LayerNormalization is 17, with Gelu 20. */
const OPSET = 20;
const IR = 9;

type Attribute = number | readonly number[] | string | { readonly float: number };

/** Collects nodes in order; each answers with the name of its output. */
class Graph {
  readonly nodes: onnx.INodeProto[] = [];
  readonly initializers: onnx.ITensorProto[] = [];

  op(type: string, input: readonly string[], attributes: Readonly<Record<string, Attribute>> = {}): string {
    const name = `${type}_${this.nodes.length}`;
    const attribute = Object.entries(attributes).map(([key, value]) => attributeOf(key, value));
    this.nodes.push({ opType: type, name, input: [...input], output: [name], attribute });
    return name;
  }

  /** Equal parts along the last axis. */
  split(x: string, sizes: string, count: number): string[] {
    const name = `Split_${this.nodes.length}`;
    const output = Array.from({ length: count }, (_, i) => `${name}_${i}`);
    this.nodes.push({ opType: 'Split', name, input: [x, sizes], output, attribute: [attributeOf('axis', -1)] });
    return output;
  }

  parameter(name: string, shape: readonly number[], data: Float32Array): string {
    const rawData = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
    this.initializers.push({ name, dims: [...shape], dataType: FLOAT, rawData });
    return name;
  }

  /** Integers of a shape, an axis or an index. */
  ints(...values: number[]): string {
    const name = `ints_${this.initializers.length}`;
    this.initializers.push({ name, dims: [values.length], dataType: INT64, int64Data: values });
    return name;
  }
}

function attributeOf(name: string, value: Attribute): onnx.IAttributeProto {
  const { AttributeType } = proto.onnx.AttributeProto;
  if (typeof value === 'number') return { name, type: AttributeType.INT, i: value };
  if (typeof value === 'string') return { name, type: AttributeType.STRING, s: new TextEncoder().encode(value) };
  if ('float' in value) return { name, type: AttributeType.FLOAT, f: value.float };
  return { name, type: AttributeType.INTS, ints: [...value] };
}

/** A model with the input `x` and the output `y`: logits. */
export function modelOf(net: Net): Uint8Array {
  const g = new Graph();
  const params = new Map(parametersOf(net).map((p) => [p.name, p]));
  const out =
    net.kind === 'mlp'
      ? mlp(g, net.widths.length - 1, params)
      : net.kind === 'cnn'
        ? cnn(g, params)
        : gpt(g, net, params);
  g.nodes.push({ opType: 'Identity', name: 'y', input: [out], output: ['y'] });
  const type = (elemType: number, dims: readonly number[]) => ({
    tensorType: { elemType, shape: { dim: dims.map((dimValue) => ({ dimValue })) } },
  });
  const tokens = net.kind === 'transformer';
  const model: onnx.IModelProto = {
    irVersion: IR,
    producerName: 'isobit-bench',
    opsetImport: [{ domain: '', version: OPSET }],
    graph: {
      name: net.name,
      node: g.nodes,
      initializer: g.initializers,
      input: [{ name: 'x', type: type(tokens ? INT64 : FLOAT, inputOf(net)) }],
      output: [{ name: 'y', type: { tensorType: { elemType: FLOAT } } }],
    },
  };
  return proto.onnx.ModelProto.encode(model).finish();
}

type Parameters = ReadonlyMap<string, Parameter>;

function put(g: Graph, params: Parameters, name: string): string {
  const p = params.get(name);
  if (!p) throw new Error(`bench: no parameter is named ${name}`);
  return g.parameter(p.name, p.shape, p.data);
}

const gemm = (g: Graph, params: Parameters, x: string, layer: string): string =>
  g.op('Gemm', [x, put(g, params, `${layer}.weight`), put(g, params, `${layer}.bias`)], { transB: 1 });

function mlp(g: Graph, layers: number, params: Parameters): string {
  let h = 'x';
  for (let i = 1; i <= layers; i++) h = gemm(g, params, i > 1 ? g.op('Relu', [h]) : h, `fc${i}`);
  return h;
}

function cnn(g: Graph, params: Parameters): string {
  const conv = (x: string, layer: string, pad: number) =>
    g.op('Conv', [x, put(g, params, `${layer}.weight`), put(g, params, `${layer}.bias`)], {
      kernel_shape: [5, 5],
      pads: [pad, pad, pad, pad],
    });
  const pool = (x: string) => g.op('MaxPool', [g.op('Relu', [x])], { kernel_shape: [2, 2], strides: [2, 2] });
  const features = g.op('Flatten', [pool(conv(pool(conv('x', 'conv1', 2)), 'conv2', 0))]);
  const hidden = g.op('Relu', [gemm(g, params, features, 'fc1')]);
  return gemm(g, params, g.op('Relu', [gemm(g, params, hidden, 'fc2')]), 'fc3');
}

function gpt(g: Graph, { layers, width, heads, sequence, batch, vocabulary }: Transformer, params: Parameters): string {
  const parameter = (name: string) => put(g, params, name);
  const norm = (x: string, name: string) =>
    g.op('LayerNormalization', [x, parameter(`${name}.weight`), parameter(`${name}.bias`)], {
      axis: -1,
      epsilon: { float: NORM_EPS },
    });
  // Gemm is for matrices alone: as the exporter does for three axes, a product with the weight turned round, then the bias.
  const linear = (x: string, name: string) => {
    const weight = permuted(params.get(`${name}.weight`) as Parameter, 1, 0);
    return g.op('Add', [
      g.op('MatMul', [x, g.parameter(weight.name, weight.shape, weight.data)]),
      parameter(`${name}.bias`),
    ]);
  };
  const split = (x: string, perm: readonly number[]) =>
    g.op('Transpose', [g.op('Reshape', [x, g.ints(batch, sequence, heads, width / heads)])], { perm });
  const behind = Float32Array.from({ length: sequence ** 2 }, (_, i) =>
    i % sequence > Math.floor(i / sequence) ? -1e9 : 0,
  );
  const mask = g.parameter('mask', [sequence, sequence], behind);
  const scale = g.parameter('scale', [1], Float32Array.of(1 / Math.sqrt(width / heads)));
  const parts = g.ints(width, width, width);

  let h = g.op('Add', [g.op('Gather', [parameter('tokens.weight'), 'x']), parameter('positions.weight')]);
  for (let i = 0; i < layers; i++) {
    const qkv = linear(norm(h, `${i}.norm1`), `${i}.selfAttn.inProj`);
    const [q, k, v] = g.split(qkv, parts, 3);
    const scores = g.op('MatMul', [split(q, [0, 2, 1, 3]), split(k, [0, 2, 3, 1])]);
    const weights = g.op('Softmax', [g.op('Add', [g.op('Mul', [scores, scale]), mask])], { axis: -1 });
    const found = g.op('Transpose', [g.op('MatMul', [weights, split(v, [0, 2, 1, 3])])], { perm: [0, 2, 1, 3] });
    h = g.op('Add', [h, linear(g.op('Reshape', [found, g.ints(batch, sequence, width)]), `${i}.selfAttn.outProj`)]);
    const wide = g.op('Gelu', [linear(norm(h, `${i}.norm2`), `${i}.linear1`)]);
    h = g.op('Add', [h, linear(wide, `${i}.linear2`)]);
  }
  return g.op('Reshape', [linear(norm(h, 'norm'), 'head'), g.ints(batch * sequence, vocabulary)]);
}
