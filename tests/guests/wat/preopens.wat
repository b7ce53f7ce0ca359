;; Asks for its folders over and over and drops none.
(module
  (import "wasi:filesystem/preopens@0.2.6" "get-directories" (func $folders (param i32)))
  (memory (export "memory") 1)
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 4096))
  (func (export "run") (param i32)
    (loop
      (call $folders (i32.const 0))
      (br_if 0 (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))))
