;; Counts the words that are not zero in memory it was just given, and leaves them all set.
(component
  (core module $m
    (memory 256)
    (func (export "run") (result i32)
      (local $at i32) (local $found i32)
      (loop $again
        (if (i64.ne (i64.load (local.get $at)) (i64.const 0))
          (then (local.set $found (i32.add (local.get $found) (i32.const 1)))))
        (i64.store (local.get $at) (i64.const -1))
        (local.set $at (i32.add (local.get $at) (i32.const 8)))
        (br_if $again (i32.lt_u (local.get $at) (i32.const 16777216))))
      (local.get $found)))
  (core instance $i (instantiate $m))
  (func (export "run") (result u32) (canon lift (core func $i "run"))))
