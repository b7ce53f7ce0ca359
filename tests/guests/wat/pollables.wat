;; Makes timers without end and drops none.
(module
  (import "wasi:clocks/monotonic-clock@0.2.6" "subscribe-duration"
    (func $subscribe (param i64) (result i32)))
  (memory (export "memory") 1)
  (func (export "run")
    (loop
      (drop (call $subscribe (i64.const 1000000000000)))
      (br 0))))
