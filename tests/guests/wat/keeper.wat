;; Imports what a later host offers.
(module
  (import "ax:memory/memory@0.1.0" "forget" (func $forget))
  (memory (export "memory") 1)
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 4096))
  (func (export "run") (call $forget)))
