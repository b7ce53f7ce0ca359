//! Types and traits generated from `wit/`, for what this host serves and calls.

wasmtime::component::bindgen!({
    path: "../wit",
    world: "ax:plugin/stateful",
    imports: {
        "ax:http/client": async | trappable,
        "ax:kv/store": async | trappable,
        "ax:model/chat": async | trappable,
        "ax:task/task": async | trappable,
        "ax:tools/tools": async | trappable,
        default: trappable,
    },
    exports: { default: async },
    with: { "ax:model/chat.chunks": super::model::Chunks },
});
