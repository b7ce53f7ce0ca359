;; Imports what a later host offers.
(module
  (import "ax:kv/store@0.1.0" "get" (func $get (param i32 i32 i32)))
  (memory (export "memory") 1)
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 4096))
  (func (export "run") (call $get (i32.const 0) (i32.const 1) (i32.const 16))))
