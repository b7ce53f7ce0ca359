//! Takes `gzip` and `deflate` off a body, a piece at a time.
//!
//! Invariant: one step yields at most [`STEP_BYTES`] twice, whatever it is fed, so a bomb is seen
//! by whoever counts before it has grown; input that ends early is an error, never an end.
//! Not here: how much may come out in all (`budget`).

use std::io;
use std::io::Write as _;

use bytes::Buf as _;
use bytes::Bytes;
use flate2::Decompress;
use flate2::FlushDecompress;
use flate2::Status;
use flate2::write::MultiGzDecoder;

/// Bytes that one step of decoding yields: the buffer of the gzip decoder.
const STEP_BYTES: usize = 32 * 1024;

/// What a body can be encoded with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Encoding {
    /// RFC 1952.
    Gzip,
    /// RFC 1950, which HTTP calls `deflate`.
    Zlib,
}

impl Encoding {
    /// Returns the encoding that `token` names.
    pub(super) fn of(token: &[u8]) -> Option<Self> {
        let named: [(&[u8], Self); 3] =
            [(b"gzip", Self::Gzip), (b"x-gzip", Self::Gzip), (b"deflate", Self::Zlib)];
        let known = named.into_iter().find(|(name, _)| token.eq_ignore_ascii_case(name));
        known.map(|(_, encoding)| encoding)
    }

    /// Returns its name for people.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Gzip => "gzip",
            Self::Zlib => "zlib",
        }
    }
}

/// Decodes one body.
pub(super) struct Decoder {
    encoding: Encoding,
    inner: Inner,
}

enum Inner {
    Gzip(Box<MultiGzDecoder<Vec<u8>>>),
    Zlib(Box<Zlib>),
}

impl Decoder {
    pub(super) fn new(encoding: Encoding) -> Self {
        let inner = match encoding {
            Encoding::Gzip => Inner::Gzip(Box::new(MultiGzDecoder::new(Vec::new()))),
            Encoding::Zlib => {
                let state = Decompress::new(true);
                Inner::Zlib(Box::new(Zlib { state, is_done: false, is_full: false }))
            }
        };
        Self { encoding, inner }
    }

    pub(super) fn encoding(&self) -> Encoding {
        self.encoding
    }

    /// Takes some of `input`, which is not empty unless [`Decoder::has_more`], and returns what
    /// came out, perhaps nothing.
    ///
    /// # Errors
    ///
    /// When the input is not what its encoding says, or goes on after its end.
    pub(super) fn step(&mut self, input: &mut Bytes) -> io::Result<Bytes> {
        match &mut self.inner {
            Inner::Gzip(decoder) => {
                let taken = decoder.write(input)?;
                if taken == 0 {
                    return Err(corrupt("it cannot be decoded"));
                }
                input.advance(taken);
                if input.is_empty() {
                    // The decoder keeps what it could pass on; a reader may be waiting for it.
                    decoder.flush()?;
                }
                Ok(std::mem::take(decoder.get_mut()).into())
            }
            Inner::Zlib(zlib) => zlib.step(input),
        }
    }

    /// Tells whether a step without input would yield something.
    pub(super) fn has_more(&self) -> bool {
        match &self.inner {
            Inner::Gzip(_) => false,
            Inner::Zlib(zlib) => zlib.is_full,
        }
    }

    /// Returns what is left when the input has ended.
    ///
    /// # Errors
    ///
    /// When it ended early, or its checksum is wrong.
    pub(super) fn finish(&mut self) -> io::Result<Bytes> {
        match &mut self.inner {
            Inner::Gzip(decoder) => {
                decoder.try_finish()?;
                Ok(std::mem::take(decoder.get_mut()).into())
            }
            Inner::Zlib(zlib) if zlib.is_done => Ok(Bytes::new()),
            Inner::Zlib(_) => Err(io::Error::new(io::ErrorKind::UnexpectedEof, "it ends early")),
        }
    }
}

/// flate2's own writer for zlib takes a stream that ends early for one that ends.
struct Zlib {
    state: Decompress,
    is_done: bool,
    /// The last step filled its output, so there may be more.
    is_full: bool,
}

impl Zlib {
    fn step(&mut self, input: &mut Bytes) -> io::Result<Bytes> {
        if self.is_done {
            return Err(corrupt("data follows its end"));
        }
        let before = self.state.total_in();
        let mut output = Vec::with_capacity(STEP_BYTES);
        let status = self
            .state
            .decompress_vec(input, &mut output, FlushDecompress::None)
            .map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))?;
        let taken = usize::try_from(self.state.total_in() - before).unwrap_or(usize::MAX);
        if taken == 0 && output.is_empty() && !input.is_empty() && status != Status::StreamEnd {
            return Err(corrupt("it cannot be decoded"));
        }
        input.advance(taken.min(input.len()));
        self.is_done = status == Status::StreamEnd;
        self.is_full = !self.is_done && output.len() == output.capacity();
        Ok(output.into())
    }
}

fn corrupt(why: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, why)
}
