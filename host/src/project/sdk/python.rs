//! The SDK for Python, `sdk/python`: the package `ax`.

use super::File;

/// Its files.
pub(super) const FILES: &[File] = &[
    ("ax/__init__.py", include_str!("../../../../sdk/python/ax/__init__.py")),
    ("ax/_answer.py", include_str!("../../../../sdk/python/ax/_answer.py")),
    ("ax/_changes.py", include_str!("../../../../sdk/python/ax/_changes.py")),
    ("ax/_check.py", include_str!("../../../../sdk/python/ax/_check.py")),
    ("ax/_derive.py", include_str!("../../../../sdk/python/ax/_derive.py")),
    ("ax/_error.py", include_str!("../../../../sdk/python/ax/_error.py")),
    ("ax/_fake.py", include_str!("../../../../sdk/python/ax/_fake.py")),
    ("ax/_guest.py", include_str!("../../../../sdk/python/ax/_guest.py")),
    ("ax/_migrate.py", include_str!("../../../../sdk/python/ax/_migrate.py")),
    ("ax/_permission.py", include_str!("../../../../sdk/python/ax/_permission.py")),
    ("ax/_report.py", include_str!("../../../../sdk/python/ax/_report.py")),
    ("ax/_result.py", include_str!("../../../../sdk/python/ax/_result.py")),
    ("ax/_sandbox/__init__.py", include_str!("../../../../sdk/python/ax/_sandbox/__init__.py")),
    ("ax/_sandbox/config.py", include_str!("../../../../sdk/python/ax/_sandbox/config.py")),
    ("ax/_sandbox/http.py", include_str!("../../../../sdk/python/ax/_sandbox/http.py")),
    ("ax/_sandbox/kv.py", include_str!("../../../../sdk/python/ax/_sandbox/kv.py")),
    ("ax/_sandbox/log.py", include_str!("../../../../sdk/python/ax/_sandbox/log.py")),
    ("ax/_sandbox/secrets.py", include_str!("../../../../sdk/python/ax/_sandbox/secrets.py")),
    ("ax/_sandbox/task.py", include_str!("../../../../sdk/python/ax/_sandbox/task.py")),
    ("ax/_shape.py", include_str!("../../../../sdk/python/ax/_shape.py")),
    ("ax/_source.py", include_str!("../../../../sdk/python/ax/_source.py")),
    ("ax/_tool.py", include_str!("../../../../sdk/python/ax/_tool.py")),
    ("ax/_wire.py", include_str!("../../../../sdk/python/ax/_wire.py")),
    ("ax/config.py", include_str!("../../../../sdk/python/ax/config.py")),
    ("ax/http.py", include_str!("../../../../sdk/python/ax/http.py")),
    ("ax/kv.py", include_str!("../../../../sdk/python/ax/kv.py")),
    ("ax/log.py", include_str!("../../../../sdk/python/ax/log.py")),
    ("ax/py.typed", include_str!("../../../../sdk/python/ax/py.typed")),
    ("ax/secrets.py", include_str!("../../../../sdk/python/ax/secrets.py")),
    ("ax/task.py", include_str!("../../../../sdk/python/ax/task.py")),
    ("ax/testing.py", include_str!("../../../../sdk/python/ax/testing.py")),
];
