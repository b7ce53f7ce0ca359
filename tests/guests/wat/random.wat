;; Asks for as many random bytes as it is told; answers how many it got.
(module
  (import "wasi:random/random@0.2.6" "get-random-bytes" (func $bytes (param i64 i32)))
  (memory (export "memory") 64)
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 4096))
  (func (export "run") (param i64) (result i32)
    (call $bytes (local.get 0) (i32.const 0))
    (i32.load (i32.const 4))))
