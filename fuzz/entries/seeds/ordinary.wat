(component
  (import "wasi:io/error@0.2.6" (instance $error (export "error" (type (sub resource)))))
  (alias export $error "error" (type $error-type))
  (import "ax:log/log@0.1.0" (instance $log
    (type $level (enum "debug" "info"))
    (export "level" (type $l (eq $level)))
    (export "write" (func (param "level" $l) (param "message" string)))))
  (import "ax:types/types@0.1.0" (instance $types
    (type $json string)
    (export "json" (type (eq $json)))))
  (import "acme:db/api@1.2.3" (instance
    (export "handle" (type $handle (sub resource)))
    (export "[constructor]handle" (func (result (own $handle))))
    (export "[method]handle.size" (func (param "self" (borrow $handle)) (result u32)))))
  (import "now" (func $now (result u64)))
  (core module $m
    (memory (export "memory") 1)
    (data (i32.const 0) "hello")
    (func (export "double") (param i32) (result i32)
      local.get 0 i32.const 2 i32.mul))
  (core instance $i (instantiate $m))
  (func $double (param "n" s32) (result s32) (canon lift (core func $i "double")))
  (instance $api (export "double" (func $double)))
  (export "acme:math/twice@1.0.0" (instance $api))
  (export "ax:guest/command@0.1.0" (instance $api))
  (export "now-again" (func $now)))
