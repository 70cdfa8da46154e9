"""PyTorch on the CPU, one thread: reads requests from its input line by line and prints its answers, as bench/turn.ts does."""

import json
import math
import resource
import sys
import time

import numpy as np
import torch
from torch.nn import functional as F

torch.set_num_threads(1)
PROBES = 16
SLICE = 0.01


def probes(x):
    flat = x.reshape(-1)
    return [float(flat[int((i + 0.5) / PROBES * flat.numel())]) for i in range(PROBES)]


def read(entry, raw):
    dtype = np.int32 if entry["dtype"] == "i32" else np.float32
    data = np.frombuffer(raw, dtype, math.prod(entry["shape"]), entry["offset"]).copy()
    return torch.from_numpy(data.reshape(entry["shape"]))


def linear(p, name, x):
    return F.linear(x, p[name + ".weight"], p[name + ".bias"])


def forward(net, p, x):
    if net["kind"] == "mlp":
        layers = len(net["widths"]) - 1
        for i in range(1, layers + 1):
            x = linear(p, f"fc{i}", F.relu(x) if i > 1 else x)
        return x
    if net["kind"] == "cnn":
        x = F.max_pool2d(F.relu(F.conv2d(x, p["conv1.weight"], p["conv1.bias"], padding=2)), 2)
        x = F.max_pool2d(F.relu(F.conv2d(x, p["conv2.weight"], p["conv2.bias"])), 2).flatten(1)
        return linear(p, "fc3", F.relu(linear(p, "fc2", F.relu(linear(p, "fc1", x)))))
    batch, sequence, width, heads = (net[k] for k in ("batch", "sequence", "width", "heads"))
    norm = lambda name, y: F.layer_norm(y, (width,), p[name + ".weight"], p[name + ".bias"])
    split = lambda y: y.view(batch, sequence, heads, width // heads).transpose(1, 2)
    h = F.embedding(x.long(), p["tokens.weight"]) + p["positions.weight"]
    for i in range(net["layers"]):
        q, k, v = map(split, linear(p, f"{i}.selfAttn.inProj", norm(f"{i}.norm1", h)).chunk(3, -1))
        found = F.scaled_dot_product_attention(q, k, v, is_causal=True).transpose(1, 2).reshape(batch, sequence, width)
        h = h + linear(p, f"{i}.selfAttn.outProj", found)
        h = h + linear(p, f"{i}.linear2", F.gelu(linear(p, f"{i}.linear1", norm(f"{i}.norm2", h))))
    return linear(p, "head", norm("norm", h)).reshape(batch * sequence, -1)


class Train:
    def __init__(self, net, params, batches, adam):
        self.net, self.batches = net, batches
        self.params = {k: v.requires_grad_() for k, v in params.items()}
        betas = (adam["beta1"], adam["beta2"])
        self.optimizer = torch.optim.Adam(self.params.values(), adam["lr"], betas, adam["eps"])

    def step(self, turn):
        x, y = self.batches[turn % len(self.batches)]
        loss = F.cross_entropy(forward(self.net, self.params, x), y.long())
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        self.optimizer.step()
        self.last = loss.item()

    def probe(self):
        return [self.last]


class Infer:
    def __init__(self, net, params, batches):
        self.net, self.params, self.batches = net, params, batches

    def step(self, turn):
        with torch.inference_mode():
            self.logits = forward(self.net, self.params, self.batches[turn % len(self.batches)][0])

    def probe(self):
        return probes(self.logits)


class Product:
    def __init__(self, work, a, b):
        self.a = a.T if work["layout"] == "TN" else a
        self.b = b.T if work["layout"] == "NT" else b

    def step(self, turn):
        self.c = self.a @ self.b

    def probe(self):
        return probes(self.c)


def open_work(work, data):
    with open(data["file"], "rb") as f:
        raw = f.read()
    tensors = [(e["name"], read(e, raw)) for e in data["tensors"]]
    if work["kind"] == "product":
        return Product(work, tensors[0][1], tensors[1][1])
    params = {name: t for name, t in tensors if name not in ("x", "y")}
    xs = [t for name, t in tensors if name == "x"]
    ys = [t for name, t in tensors if name == "y"]
    batches = list(zip(xs, ys))
    if work["kind"] == "infer":
        return Infer(work["net"], params, batches)
    return Train(work["net"], params, batches, data["adam"])


state = {"turn": 0, "opening": 0.0}


def step():
    state["contender"].step(state["turn"])
    state["turn"] += 1


def answer(request):
    if "open" in request:
        start = time.perf_counter()
        state["contender"] = open_work(request["open"], request["data"])
        state["turn"] = 0
        state["opening"] = time.perf_counter() - start
        return {}
    if "close" in request:
        state.pop("contender", None)
        return {}
    if "check" in request:
        results = []
        for i in range(request["check"]):
            start = time.perf_counter()
            step()
            if i == 0:
                warm_up = (state["opening"] + time.perf_counter() - start) * 1000
            results.append(state["contender"].probe())
        memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        return {"results": results, "warmUp": warm_up, "memory": memory}
    before, start = time.process_time(), time.perf_counter()
    steps, cpu = 0, 0.0
    while cpu < request["run"] / 1000:
        begun = time.perf_counter()
        while True:
            step()
            steps += 1
            if time.perf_counter() - begun >= SLICE:
                break
        cpu = time.process_time() - before
    return {"cpu": cpu * 1e6 / steps, "wall": (time.perf_counter() - start) * 1e6 / steps, "steps": steps}


for line in sys.stdin:
    try:
        response = answer(json.loads(line))
    except Exception as e:  # the race tells it as this contender's reason
        response = {"error": f"{type(e).__name__}: {e}"}
    print("answer " + json.dumps(response), flush=True)
