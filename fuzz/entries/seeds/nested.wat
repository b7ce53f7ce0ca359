(component
  (component $inner
    (core module $m (func (export "f")))
    (core instance (instantiate $m))
    (component $leaf)
    (instance (instantiate $leaf))
    (export "leaf" (component $leaf)))
  (instance $a (instantiate $inner))
  (instance $b (instantiate $inner))
  (alias export $a "leaf" (component $found))
  (component $outer (alias outer 1 $inner (component $again)) (instance (instantiate $again)))
  (instance (instantiate $outer)))
