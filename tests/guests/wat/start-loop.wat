;; Never ends while it starts.
(component
  (core module $m
    (func $loop (loop (br 0)))
    (start $loop)
    (func (export "run")))
  (core instance $i (instantiate $m))
  (func (export "run") (canon lift (core func $i "run"))))
