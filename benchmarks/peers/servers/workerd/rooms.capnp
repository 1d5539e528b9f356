# workerd serve rooms.capnp --socket-addr=http=127.0.0.1:<port> --directory-path=storage=<folder>
using Workerd = import "/workerd/workerd.capnp";

const config :Workerd.Config = (
  services = [
    (name = "rooms", worker = .rooms),
    (name = "storage", disk = (writable = true)),
  ],
  sockets = [(name = "http", http = (), service = "rooms")],
);

const rooms :Workerd.Worker = (
  modules = [(name = "room.js", esModule = embed "room.js")],
  compatibilityDate = "2026-11-01",
  durableObjectNamespaces = [(className = "Room", uniqueKey = "rooms", enableSql = true)],
  durableObjectStorage = (localDisk = "storage"),
  bindings = [(name = "ROOMS", durableObjectNamespace = "Room")],
);
