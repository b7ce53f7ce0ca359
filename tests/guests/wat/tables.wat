;; Grows a table to a number of elements; answers -1 when it may not.
(component
  (core module $m
    (table $t 0 funcref)
    (func (export "run") (param i32) (result i32)
      (table.grow $t (ref.null func) (local.get 0))))
  (core instance $i (instantiate $m))
  (func (export "run") (param "elements" u32) (result s32) (canon lift (core func $i "run"))))
