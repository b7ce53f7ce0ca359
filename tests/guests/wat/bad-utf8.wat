;; Answers with text that is not UTF-8.
(module
  (memory (export "memory") 1)
  (data (i32.const 64) "\ff\fe\c0\80")
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 4096))
  (func (export "run") (param i32 i32) (result i32)
    (i32.store (i32.const 16) (i32.const 64))
    (i32.store (i32.const 20) (i32.const 4))
    (i32.const 16)))
