//! `wasi:sockets`: closed. Creating a socket and looking up a name are denied and recorded.
//!
//! No permission opens it: the network is reached through interfaces that know hosts, methods and
//! paths. It is linked at all because Python components import it without using it.

use ax_manifest::Capability;
use wasmtime::component::{HasData, Resource};
use wasmtime_wasi::p2::bindings::io::poll::Pollable;
use wasmtime_wasi::p2::bindings::sockets::ip_name_lookup::{self, ResolveAddressStream};
use wasmtime_wasi::p2::bindings::sockets::network::{
    self, ErrorCode, IpAddress, IpAddressFamily, Network,
};
use wasmtime_wasi::p2::bindings::sockets::{tcp_create_socket, udp_create_socket};
use wasmtime_wasi::p2::{SocketError, SocketResult, TcpSocket, UdpSocket};
use wasmtime_wasi::sockets::WasiSocketsView;

use super::super::super::gate::{Needs, Refusal};
use super::super::super::guest::Guest;

pub(super) struct HasSockets;

impl HasData for HasSockets {
    type Data<'a> = Sockets<'a>;
}

pub(super) struct Sockets<'a>(&'a mut Guest);

pub(super) fn view(guest: &mut Guest) -> Sockets<'_> {
    Sockets(guest)
}

impl Sockets<'_> {
    fn deny<T>(&mut self, capability: Capability, function: &'static str) -> SocketResult<T> {
        self.0.gate.called(function, "");
        match self.0.gate.pass(capability, Needs::Forbidden, 0) {
            Err(refusal @ Refusal::Exhausted(_)) => Err(SocketError::trap(refusal)),
            Ok(()) | Err(Refusal::Denied(_)) => Err(ErrorCode::AccessDenied.into()),
        }
    }
}

impl network::HostNetwork for Sockets<'_> {
    fn drop(&mut self, network: Resource<Network>) -> wasmtime::Result<()> {
        network::HostNetwork::drop(&mut self.0.sockets(), network)
    }
}

impl network::Host for Sockets<'_> {
    fn convert_error_code(&mut self, error: SocketError) -> wasmtime::Result<ErrorCode> {
        self.0.sockets().convert_error_code(error)
    }

    fn network_error_code(
        &mut self,
        error: Resource<wasmtime::Error>,
    ) -> wasmtime::Result<Option<ErrorCode>> {
        self.0.sockets().network_error_code(error)
    }
}

impl tcp_create_socket::Host for Sockets<'_> {
    fn create_tcp_socket(&mut self, _: IpAddressFamily) -> SocketResult<Resource<TcpSocket>> {
        self.deny(Capability::WasiSocketsTcpCreateSocket, "create-tcp-socket")
    }
}

impl udp_create_socket::Host for Sockets<'_> {
    async fn create_udp_socket(&mut self, _: IpAddressFamily) -> SocketResult<Resource<UdpSocket>> {
        self.deny(Capability::WasiSocketsUdpCreateSocket, "create-udp-socket")
    }
}

impl ip_name_lookup::Host for Sockets<'_> {
    fn resolve_addresses(
        &mut self,
        _: Resource<Network>,
        _: String,
    ) -> SocketResult<Resource<ResolveAddressStream>> {
        self.deny(Capability::WasiSocketsIpNameLookup, "resolve-addresses")
    }
}

/// No stream of addresses can exist; these forward to a context that allows none either.
impl ip_name_lookup::HostResolveAddressStream for Sockets<'_> {
    fn resolve_next_address(
        &mut self,
        stream: Resource<ResolveAddressStream>,
    ) -> SocketResult<Option<IpAddress>> {
        self.0.sockets().resolve_next_address(stream)
    }

    fn subscribe(
        &mut self,
        stream: Resource<ResolveAddressStream>,
    ) -> wasmtime::Result<Resource<Pollable>> {
        ip_name_lookup::HostResolveAddressStream::subscribe(&mut self.0.sockets(), stream)
    }

    fn drop(&mut self, stream: Resource<ResolveAddressStream>) -> wasmtime::Result<()> {
        ip_name_lookup::HostResolveAddressStream::drop(&mut self.0.sockets(), stream)
    }
}
