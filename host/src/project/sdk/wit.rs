//! The WIT packages that this host serves, `wit/deps`, of which worlds are made.

use super::File;

/// Their files, each named by the folder of its package.
pub(super) const FILES: &[File] = &[
    ("ax-config/config.wit", include_str!("../../../../wit/deps/ax-config/config.wit")),
    ("ax-guest/tools.wit", include_str!("../../../../wit/deps/ax-guest/tools.wit")),
    ("ax-http/client.wit", include_str!("../../../../wit/deps/ax-http/client.wit")),
    ("ax-kv/store.wit", include_str!("../../../../wit/deps/ax-kv/store.wit")),
    ("ax-log/log.wit", include_str!("../../../../wit/deps/ax-log/log.wit")),
    ("ax-model/chat.wit", include_str!("../../../../wit/deps/ax-model/chat.wit")),
    ("ax-secrets/secrets.wit", include_str!("../../../../wit/deps/ax-secrets/secrets.wit")),
    ("ax-task/call.wit", include_str!("../../../../wit/deps/ax-task/call.wit")),
    ("ax-task/task.wit", include_str!("../../../../wit/deps/ax-task/task.wit")),
    ("ax-tools/tools.wit", include_str!("../../../../wit/deps/ax-tools/tools.wit")),
    ("ax-types/types.wit", include_str!("../../../../wit/deps/ax-types/types.wit")),
];
