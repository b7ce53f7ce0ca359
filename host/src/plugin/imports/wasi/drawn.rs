//! Random numbers of an agent: drawn from the seed of its task, the same in every run of it.
//!
//! The n-th block of 32 bytes is the digest of the seed, of what the numbers are for, and of n. Nobody who
//! knows no seed can guess them; whoever reads the journal of the task can, so they are for names and
//! choices and not for keys.

use std::convert::Infallible;

use ax_manifest::Digest;
use rand_core::TryRng;

/// Numbers for one purpose.
pub(super) struct Drawn {
    seed: u64,
    purpose: &'static str,
    /// Blocks drawn so far.
    blocks: u64,
    block: [u8; 32],
    /// Bytes of the block that were given out.
    used: usize,
}

impl Drawn {
    pub(super) fn new(seed: u64, purpose: &'static str) -> Self {
        Self { seed, purpose, blocks: 0, block: [0; 32], used: 32 }
    }

    /// Draws one large number.
    pub(super) fn number(mut self) -> u128 {
        let mut bytes = [0; 16];
        self.fill(&mut bytes);
        u128::from_le_bytes(bytes)
    }

    fn fill(&mut self, bytes: &mut [u8]) {
        for byte in bytes {
            if self.used == self.block.len() {
                self.draw();
            }
            *byte = self.block[self.used];
            self.used += 1;
        }
    }

    fn draw(&mut self) {
        let mut hasher = Digest::hasher();
        hasher.update(b"ax random\0");
        hasher.update(&self.seed.to_be_bytes());
        hasher.update(&self.blocks.to_be_bytes());
        hasher.update(self.purpose.as_bytes());
        self.block = *hasher.finish().as_bytes();
        (self.blocks, self.used) = (self.blocks + 1, 0);
    }
}

impl TryRng for Drawn {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        let mut bytes = [0; 4];
        self.fill(&mut bytes);
        Ok(u32::from_le_bytes(bytes))
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        let mut bytes = [0; 8];
        self.fill(&mut bytes);
        Ok(u64::from_le_bytes(bytes))
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
        self.fill(bytes);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_depend_on_the_seed_and_the_purpose_alone_and_do_not_repeat() {
        let draw = |seed, purpose| {
            let (mut drawn, mut bytes) = (Drawn::new(seed, purpose), [0; 96]);
            // However many are asked for at once.
            bytes.chunks_mut(7).for_each(|some| drawn.fill(some));
            bytes
        };
        let bytes = draw(1, "random");
        let mut whole = [0; 96];
        Drawn::new(1, "random").fill(&mut whole);
        assert_eq!(bytes, whole);
        assert_ne!(bytes, draw(2, "random"));
        assert_ne!(bytes, draw(1, "insecure"));
        assert_ne!(bytes[..32], bytes[32..64]);
    }
}
