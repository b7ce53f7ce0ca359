;; Four memories that grow together; answers how many pages it got.
(component
  (core module $m
    (memory $a 1) (memory $b 1) (memory $c 1) (memory $d 1)
    (func (export "run") (result i32)
      (local $pages i32)
      (block $full
        (loop $again
          (br_if $full (i32.eq (memory.grow $a (i32.const 16)) (i32.const -1)))
          (br_if $full (i32.eq (memory.grow $b (i32.const 16)) (i32.const -1)))
          (br_if $full (i32.eq (memory.grow $c (i32.const 16)) (i32.const -1)))
          (br_if $full (i32.eq (memory.grow $d (i32.const 16)) (i32.const -1)))
          (br $again)))
      (i32.add
        (i32.add (memory.size $a) (memory.size $b))
        (i32.add (memory.size $c) (memory.size $d)))))
  (core instance $i (instantiate $m))
  (func (export "run") (result u32) (canon lift (core func $i "run"))))
