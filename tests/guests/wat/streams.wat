;; Opens `file`, makes a stream of it and drops the file, over and over; keeps the streams.
;; Answers how many it has.
(module
  (import "wasi:filesystem/preopens@0.2.6" "get-directories" (func $folders (param i32)))
  (import "wasi:filesystem/types@0.2.6" "[method]descriptor.open-at"
    (func $open (param i32 i32 i32 i32 i32 i32 i32)))
  (import "wasi:filesystem/types@0.2.6" "[method]descriptor.read-via-stream"
    (func $stream (param i32 i64 i32)))
  (import "wasi:filesystem/types@0.2.6" "[resource-drop]descriptor" (func $drop (param i32)))
  (memory (export "memory") 1)
  (data (i32.const 64) "file")
  (global $next (mut i32) (i32.const 4096))
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32)
    (local $at i32)
    (local.set $at (i32.and (i32.add (global.get $next) (i32.const 7)) (i32.const -8)))
    (global.set $next (i32.add (local.get $at) (local.get 3)))
    (local.get $at))
  (func (export "run") (param $times i32) (result i32)
    (local $folder i32) (local $made i32)
    (call $folders (i32.const 0))
    (if (i32.eqz (i32.load (i32.const 4))) (then unreachable))
    (local.set $folder (i32.load (i32.load (i32.const 0))))
    (block $full
      (loop $again
        (br_if $full (i32.eq (local.get $made) (local.get $times)))
        (call $open (local.get $folder) (i32.const 0) (i32.const 64) (i32.const 4)
          (i32.const 0) (i32.const 1) (i32.const 16))
        (br_if $full (i32.load8_u (i32.const 16)))
        (call $stream (i32.load (i32.const 20)) (i64.const 0) (i32.const 32))
        (br_if $full (i32.load8_u (i32.const 32)))
        (call $drop (i32.load (i32.const 20)))
        (local.set $made (i32.add (local.get $made) (i32.const 1)))
        (br $again)))
    (local.get $made)))
