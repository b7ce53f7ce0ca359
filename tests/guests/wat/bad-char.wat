;; Answers with half a surrogate pair.
(module (func (export "run") (result i32) (i32.const 0xd800)))
