;; Imports what nobody offers.
(module
  (import "acme:db/query@1.0.0" "ask" (func $ask (result i32)))
  (func (export "run") (drop (call $ask))))
