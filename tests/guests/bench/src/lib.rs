//! The guest that the benches call: it does as little as a Rust plugin can.

wit_bindgen::generate!({ path: "wit", world: "guest" });

struct Bench;

impl Guest for Bench {
    fn nop(x: u32) -> u32 {
        x
    }

    fn spin() {
        let mut counter = 0u64;
        loop {
            counter = std::hint::black_box(counter.wrapping_add(1));
        }
    }
}

export!(Bench);
