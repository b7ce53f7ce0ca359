;; Answers with text outside its memory.
(module
  (memory (export "memory") 1)
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 4096))
  (func (export "run") (param i32 i32) (result i32)
    (i32.store (i32.const 16) (i32.const -64))
    (i32.store (i32.const 20) (i32.const 4))
    (i32.const 16)))
