;; Waits for a timer that never fires.
(module
  (import "wasi:clocks/monotonic-clock@0.2.6" "subscribe-duration"
    (func $subscribe (param i64) (result i32)))
  (import "wasi:io/poll@0.2.6" "[method]pollable.block" (func $block (param i32)))
  (memory (export "memory") 1)
  (func (export "run")
    (call $block (call $subscribe (i64.const -1)))))
