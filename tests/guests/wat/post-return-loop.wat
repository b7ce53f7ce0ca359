;; Answers, and never ends while it cleans up.
(module
  (memory (export "memory") 1)
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 4096))
  (func (export "run") (param i32 i32) (result i32) (i32.const 16))
  (func (export "cabi_post_run") (param i32) (loop (br 0))))
