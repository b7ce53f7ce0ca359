(component
  (import "ax:log/log@0.1.0" (instance $log
    (type $level (enum "debug" "info"))
    (export "level" (type $l (eq $level)))
    (export "write" (func (param "level" $l) (param "message" string)))))
  (import "ax:kv/kv@0.1.0" (instance (export "get" (func (param "key" string) (result (option string))))))
  (core module $m
    (memory (export "memory") 1)
    (func (export "call") (param i32 i32) (result i32) unreachable)
    (func (export "realloc") (param i32 i32 i32 i32) (result i32) unreachable))
  (core instance $i (instantiate $m))
  (func $call (param "name" string) (result string)
    (canon lift (core func $i "call") (memory $i "memory") (realloc (func $i "realloc"))))
  (instance $tools (export "call" (func $call)))
  (export "ax:guest/tools@0.1.0" (instance $tools)))
