//! WASI 0.2, linked interface by interface and empty-handed.
//!
//! `files`, `environment`, `http`, `sockets` and `stdio` decide themselves; the rest is wasmtime's own
//! code over a context that holds no folder, no variable and no network. Toolchains import much
//! of WASI whether a program uses it or not, so everybody gets it and nobody gets anything by it.

mod clock;
mod drawn;
mod environment;
mod file_stream;
mod file_writer;
mod files;
mod http;
mod lease;
mod quota;
mod sockets;
mod stdio;

use std::time::Duration;

use ax_manifest::Capability;
use wasmtime::component::{HasData, Linker, ResourceTable};
use wasmtime_wasi::cli::{WasiCli, WasiCliView};
use wasmtime_wasi::clocks::{WasiClocks, WasiClocksView};
use wasmtime_wasi::p2::bindings;
use wasmtime_wasi::random::{Deterministic, WasiRandom, WasiRandomView};
use wasmtime_wasi::sockets::{WasiSockets, WasiSocketsView};
use wasmtime_wasi::{
    HostMonotonicClock, HostWallClock, WasiCtx, WasiCtxBuilder, WasiCtxView, WasiView,
};

use super::super::guest::{Guest, World};
use super::super::limits;
use super::super::log::{Level, Log};
use clock::VirtualClock;
use drawn::Drawn;
use environment::HasEnvironment;
use files::HasFiles;
use sockets::HasSockets;
use stdio::LogStream;

pub(in super::super) use files::{Ended, OpenFiles};
pub(in super::super) use http::Http;

/// Links one WASI interface; capabilities of other packages are not handled here.
pub(super) fn link(capability: Capability, l: &mut Linker<Guest>) -> wasmtime::Result<()> {
    use Capability as C;
    use bindings::{cli, clocks, filesystem, io, random, sockets as net};
    match capability {
        C::WasiIoError => {
            io::error::add_to_linker::<Guest, HasTable>(l, |g| &mut g.seen(C::WasiIoError).table)
        }
        C::WasiIoPoll => {
            io::poll::add_to_linker::<Guest, HasTable>(l, |g| &mut g.seen(C::WasiIoPoll).table)
        }
        C::WasiIoStreams => io::streams::add_to_linker::<Guest, HasTable>(l, |g| {
            &mut g.seen(C::WasiIoStreams).table
        }),
        C::WasiClocksWallClock => clocks::wall_clock::add_to_linker::<Guest, WasiClocks>(l, |g| {
            g.seen(C::WasiClocksWallClock).clocks()
        }),
        C::WasiClocksMonotonicClock => clock::link(l),
        C::WasiRandomRandom => random::random::add_to_linker::<Guest, WasiRandom>(l, |g| {
            g.seen(C::WasiRandomRandom).random()
        }),
        C::WasiRandomInsecure => random::insecure::add_to_linker::<Guest, WasiRandom>(l, |g| {
            g.seen(C::WasiRandomInsecure).random()
        }),
        C::WasiRandomInsecureSeed => {
            random::insecure_seed::add_to_linker::<Guest, WasiRandom>(l, |g| {
                g.seen(C::WasiRandomInsecureSeed).random()
            })
        }
        C::WasiCliEnvironment => cli::environment::add_to_linker::<Guest, HasEnvironment>(l, |g| {
            environment::view(g.seen(C::WasiCliEnvironment))
        }),
        C::WasiCliExit => {
            cli::exit::add_to_linker::<Guest, WasiCli>(l, |g| g.seen(C::WasiCliExit).cli())
        }
        C::WasiCliStdin => {
            cli::stdin::add_to_linker::<Guest, WasiCli>(l, |g| g.seen(C::WasiCliStdin).cli())
        }
        C::WasiCliStdout => {
            cli::stdout::add_to_linker::<Guest, WasiCli>(l, |g| g.seen(C::WasiCliStdout).cli())
        }
        C::WasiCliStderr => {
            cli::stderr::add_to_linker::<Guest, WasiCli>(l, |g| g.seen(C::WasiCliStderr).cli())
        }
        C::WasiCliTerminalInput => cli::terminal_input::add_to_linker::<Guest, WasiCli>(l, |g| {
            g.seen(C::WasiCliTerminalInput).cli()
        }),
        C::WasiCliTerminalOutput => cli::terminal_output::add_to_linker::<Guest, WasiCli>(l, |g| {
            g.seen(C::WasiCliTerminalOutput).cli()
        }),
        C::WasiCliTerminalStdin => cli::terminal_stdin::add_to_linker::<Guest, WasiCli>(l, |g| {
            g.seen(C::WasiCliTerminalStdin).cli()
        }),
        C::WasiCliTerminalStdout => cli::terminal_stdout::add_to_linker::<Guest, WasiCli>(l, |g| {
            g.seen(C::WasiCliTerminalStdout).cli()
        }),
        C::WasiCliTerminalStderr => cli::terminal_stderr::add_to_linker::<Guest, WasiCli>(l, |g| {
            g.seen(C::WasiCliTerminalStderr).cli()
        }),
        C::WasiFilesystemTypes => filesystem::types::add_to_linker::<Guest, HasFiles>(l, |g| {
            files::view(g.seen(C::WasiFilesystemTypes))
        }),
        C::WasiFilesystemPreopens => {
            filesystem::preopens::add_to_linker::<Guest, HasFiles>(l, |g| {
                files::view(g.seen(C::WasiFilesystemPreopens))
            })
        }
        C::WasiSocketsTcpCreateSocket => {
            net::tcp_create_socket::add_to_linker::<Guest, HasSockets>(l, |g| {
                sockets::view(g.seen(C::WasiSocketsTcpCreateSocket))
            })
        }
        C::WasiSocketsUdpCreateSocket => {
            net::udp_create_socket::add_to_linker::<Guest, HasSockets>(l, |g| {
                sockets::view(g.seen(C::WasiSocketsUdpCreateSocket))
            })
        }
        C::WasiSocketsIpNameLookup => {
            net::ip_name_lookup::add_to_linker::<Guest, HasSockets>(l, |g| {
                sockets::view(g.seen(C::WasiSocketsIpNameLookup))
            })
        }
        // No socket can be created, so the methods of these never have anything to work on; the
        // context beneath them allows no address either.
        C::WasiSocketsNetwork => {
            let options = net::network::LinkOptions::default();
            net::network::add_to_linker::<Guest, WasiSockets>(l, &options, |g| {
                g.seen(C::WasiSocketsNetwork).sockets()
            })
        }
        C::WasiSocketsInstanceNetwork => {
            net::instance_network::add_to_linker::<Guest, WasiSockets>(l, |g| {
                g.seen(C::WasiSocketsInstanceNetwork).sockets()
            })
        }
        C::WasiSocketsTcp => net::tcp::add_to_linker::<Guest, WasiSockets>(l, |g| {
            g.seen(C::WasiSocketsTcp).sockets()
        }),
        C::WasiSocketsUdp => net::udp::add_to_linker::<Guest, WasiSockets>(l, |g| {
            g.seen(C::WasiSocketsUdp).sockets()
        }),
        C::WasiHttpTypes => http::link_types(l),
        C::WasiHttpOutgoingHandler => http::link_handler(l),
        other => unreachable_row(other),
    }
}

/// The caller sends only WASI rows here; a row it sends by mistake fails at start, not in a call.
fn unreachable_row(capability: Capability) -> wasmtime::Result<()> {
    Err(wasmtime::Error::msg(format!("`{}` is not part of WASI", capability.row().interface)))
}

struct HasTable;

impl HasData for HasTable {
    type Data<'a> = &'a mut ResourceTable;
}

impl WasiView for Guest {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        let (world, log, seat) = (self.call.world, &self.log, &self.seat);
        let wasi = self.wasi.get_or_insert_with(|| {
            let wasi = Box::new(Wasi::new(world, log));
            if let Some(seat) = seat {
                wasi.show(seat.now_ms());
            }
            wasi
        });
        WasiCtxView { ctx: &mut wasi.ctx, table: &mut self.table }
    }
}

/// Wasmtime's own part of WASI, and the streams it writes to.
pub(in super::super) struct Wasi {
    ctx: WasiCtx,
    streams: [LogStream; 2],
    /// Time in a rehearsal.
    virtual_clock: Option<VirtualClock>,
}

impl Wasi {
    fn new(world: World, log: &Log) -> Self {
        let streams =
            [LogStream::new(log.clone(), Level::Info), LogStream::new(log.clone(), Level::Error)];
        let virtual_clock = match world {
            World::Real | World::Frozen => None,
            World::Rehearsal { at_ms } | World::Task { began_ms: at_ms, .. } => {
                Some(VirtualClock::at(Duration::from_millis(at_ms)))
            }
        };
        Self { ctx: context(world, &streams, virtual_clock.clone()), streams, virtual_clock }
    }

    /// Takes the bytes that were written to standard output and error since the last time.
    pub(in super::super) fn take_moved_bytes(&self) -> u64 {
        self.streams.iter().map(LogStream::take_moved_bytes).sum()
    }

    /// Moves virtual time on to this moment, in milliseconds since the Unix epoch, if it is not past it.
    pub(in super::super) fn show(&self, at_ms: u64) {
        if let Some(clock) = &self.virtual_clock {
            clock.show(Duration::from_millis(at_ms));
        }
    }

    /// Puts what was written without a line's end into the log.
    pub(in super::super) fn end_lines(&self) {
        self.streams.iter().for_each(LogStream::end_line);
    }
}

/// Builds the context when the guest first asks for something of it: many never do, and seeding
/// its random numbers costs more than a whole fresh instance.
fn context(
    world: World,
    [stdout, stderr]: &[LogStream; 2],
    virtual_clock: Option<VirtualClock>,
) -> WasiCtx {
    let mut builder = WasiCtxBuilder::new();
    builder
        .stdout(stdout.clone())
        .stderr(stderr.clone())
        .max_random_size(limits::RANDOM_BYTES)
        .allow_tcp(false)
        .allow_udp(false)
        .allow_ip_name_lookup(false);
    match world {
        World::Real => {}
        World::Frozen | World::Rehearsal { .. } => {
            let seed = || Deterministic::new(FROZEN_SEED.to_vec());
            builder
                .secure_random(seed())
                .insecure_random(seed())
                .insecure_random_seed(u128::from_le_bytes(*FROZEN_SEED));
        }
        World::Task { seed, .. } => {
            builder
                .secure_random(Drawn::new(seed, "random"))
                .insecure_random(Drawn::new(seed, "insecure"))
                .insecure_random_seed(Drawn::new(seed, "insecure-seed").number());
        }
    }
    match (world, virtual_clock) {
        (World::Real, _) => {}
        (_, Some(clock)) => drop(builder.wall_clock(clock.clone()).monotonic_clock(clock)),
        (_, None) => drop(builder.wall_clock(FrozenClock).monotonic_clock(FrozenClock)),
    }
    builder.build()
}

/// Random numbers of a guest that is described or rehearses: the same on every machine.
const FROZEN_SEED: &[u8; 16] = b"automatosx-probe";

/// A clock that stands still at the Unix epoch.
struct FrozenClock;

impl HostWallClock for FrozenClock {
    fn resolution(&self) -> Duration {
        Duration::from_secs(1)
    }
    fn now(&self) -> Duration {
        Duration::ZERO
    }
}

impl HostMonotonicClock for FrozenClock {
    fn resolution(&self) -> u64 {
        1
    }
    fn now(&self) -> u64 {
        0
    }
}
