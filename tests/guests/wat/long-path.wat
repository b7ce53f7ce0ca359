;; Resolves a path of as many bytes as it is told, `sub/../sub/../`…; answers the error's number,
;; or 1,000 when there was none.
(module
  (import "wasi:filesystem/preopens@0.2.6" "get-directories" (func $folders (param i32)))
  (import "wasi:filesystem/types@0.2.6" "[method]descriptor.readlink-at"
    (func $readlink (param i32 i32 i32 i32)))
  (memory (export "memory") 64)
  (data (i32.const 64) "sub/../")
  (global $next (mut i32) (i32.const 4096))
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32)
    (local $at i32)
    (local.set $at (i32.and (i32.add (global.get $next) (i32.const 7)) (i32.const -8)))
    (global.set $next (i32.add (local.get $at) (local.get 3)))
    (local.get $at))
  (func (export "run") (param $bytes i32) (result i32)
    (local $at i32)
    (call $folders (i32.const 0))
    (loop $again
      (memory.copy (i32.add (i32.const 65536) (local.get $at)) (i32.const 64) (i32.const 7))
      (local.set $at (i32.add (local.get $at) (i32.const 7)))
      (br_if $again (i32.lt_u (local.get $at) (local.get $bytes))))
    (call $readlink (i32.load (i32.load (i32.const 0))) (i32.const 65536) (local.get $bytes)
      (i32.const 16))
    (if (result i32) (i32.load8_u (i32.const 16))
      (then (i32.load8_u (i32.const 20)))
      (else (i32.const 1000)))))
