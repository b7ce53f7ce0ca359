"""Runs a packed plugin in wasmtime's own Python package, which knows nothing of AX.

Usage: abroad.py PACKAGE CALLS

PACKAGE is an `.axp`, an OCI image layout in a tar. CALLS is JSON: a list of `[tool, input]`. Prints JSON:
the names that `describe` gives, and for each call `{"text": …}` or `{"kind": …, "code": …}`.

The interfaces of `ax:*` that a plugin may import are played here in a few lines each: they are plain WIT,
and any host can offer them.
"""

import json
import sys
import tarfile

from wasmtime import Engine, Store, WasiConfig
from wasmtime.component import Component, Linker, Record, Variant

TOOLS = "ax:guest/tools@0.1.3"
COMPONENT = "application/wasm"


def component_of(package):
    """Finds the component's bytes: index, manifest, layer, each named by its digest."""
    with tarfile.open(package) as tar:

        def blob(digest):
            return tar.extractfile("blobs/" + digest.replace(":", "/")).read()

        index = json.load(tar.extractfile("index.json"))
        manifest = json.loads(blob(index["manifests"][0]["digest"]))
        layer = next(it for it in manifest["layers"] if it["mediaType"] == COMPONENT)
        return blob(layer["digest"])


def record(**members):
    made = Record()
    for name, value in members.items():
        setattr(made, name.replace("_", "-"), value)
    return made


class Data:
    """What `ax:kv/store` keeps: a dictionary."""

    def __init__(self):
        self.entries = {}
        self.version = 0

    def get(self, _store, key):
        return Variant("ok", self.entries.get(key))

    def write(self, _store, changes):
        self.version += 1
        for change in changes:
            if change.tag == "put":
                entry = record(key=change.payload.key, value=change.payload.value, version=self.version)
                self.entries[change.payload.key] = entry
            else:
                self.entries.pop(change.payload.key, None)
        # A result whose sides are of different Python types comes and goes without its tag.
        return self.version

    def scan(self, _store, prefix, _limit, _cursor):
        keys = sorted(key for key in self.entries if key.startswith(prefix))
        return Variant("ok", record(entries=[self.entries[key] for key in keys], next=None))

    def usage(self, _store):
        held = sum(len(key) + len(entry.value) for key, entry in self.entries.items())
        used = {"keys": len(self.entries), "bytes": held}
        return Variant("ok", record(**used, keys_max=10_000, bytes_max=10 << 20))


def offer(linker, wanted):
    data = Data()
    offered = {
        "ax:types/types@0.1.0": {},
        "ax:log/log@0.1.0": {"write": lambda _store, _level, _message, _fields: None},
        "ax:config/config@0.1.0": {
            "get": lambda _store, _key: None,
            "all": lambda _store: "{}",
        },
        "ax:task/call@0.1.1": {
            "current": lambda _store: record(
                id="abroad", task=None, attempt=1, depth=0, deadline_ms=None, extra=None
            ),
            "progress": lambda _store, _done, _total, _note: None,
            "cancelled": lambda _store: False,
        },
        "ax:kv/store@0.1.0": {
            "get": data.get,
            "write": data.write,
            "scan": data.scan,
            "usage": data.usage,
        },
    }
    with linker.root() as root:
        for interface in wanted:
            with root.add_instance(interface) as instance:
                for name, function in offered[interface].items():
                    instance.add_func(name, function)


def main(package, calls):
    engine = Engine()
    component = Component(engine, component_of(package))
    imports = component.type.imports(engine)
    linker = Linker(engine)
    linker.add_wasip2()
    offer(linker, [name for name in imports if name.startswith("ax:")])
    store = Store(engine)
    store.set_wasi(WasiConfig())
    instance = linker.instantiate(store, component)
    tools = instance.get_export_index(store, TOOLS)

    def function(name):
        return instance.get_func(store, instance.get_export_index(store, name, tools))

    describe, call = function("describe"), function("call")
    described = [tool.name for tool in describe(store)]
    describe.post_return(store)
    answers = []
    for tool, given in calls:
        answer = call(store, tool, json.dumps(given))
        call.post_return(store)
        if answer.tag == "ok":
            pieces = [piece.payload for piece in answer.payload.content if piece.tag == "text"]
            answers.append({"text": "\n".join(pieces)})
        else:
            answers.append({"kind": answer.payload.kind, "code": answer.payload.code})
    print(json.dumps({"tools": described, "answers": answers}))


if __name__ == "__main__":
    main(sys.argv[1], json.loads(sys.argv[2]))
