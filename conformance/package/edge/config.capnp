using Workerd = import "/workerd/workerd.capnp";

const config :Workerd.Config = (
  services = [
    (name = "main", worker = .iris),
    (name = "net", network = (allow = ["local", "private"])),
  ],
  sockets = [(name = "http", address = "127.0.0.1:0", http = (), service = "main")],
);

const iris :Workerd.Worker = (
  compatibilityDate = "2026-01-01",
  globalOutbound = "net",
  bindings = [(name = "WEIGHTS", fromEnvironment = "WEIGHTS")],
  modules = [
    (name = "worker.js", esModule = embed "dist/worker.js"),
    (name = "kernels.wasm", wasm = embed "dist/kernels.wasm"),
  ],
);
