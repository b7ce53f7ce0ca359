;; Asks the host to write as many zeroes to standard output as it is told.
(module
  (import "wasi:cli/stdout@0.2.6" "get-stdout" (func $stdout (result i32)))
  (import "wasi:io/streams@0.2.6" "[method]output-stream.write-zeroes"
    (func $write (param i32 i64 i32)))
  (memory (export "memory") 1)
  (func (export "run") (param i64)
    (call $write (call $stdout) (local.get 0) (i32.const 0))))
