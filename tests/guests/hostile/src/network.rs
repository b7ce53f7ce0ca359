//! Tries to reach the network.

use std::net::TcpListener;
use std::net::TcpStream;
use std::net::ToSocketAddrs;
use std::net::UdpSocket;

pub(crate) fn connect(address: &str) -> Result<(), String> {
    TcpStream::connect(address).map(drop).map_err(|error| error.to_string())
}

pub(crate) fn listen(address: &str) -> Result<(), String> {
    TcpListener::bind(address).map(drop).map_err(|error| error.to_string())
}

pub(crate) fn send(address: &str) -> Result<(), String> {
    let socket = UdpSocket::bind("0.0.0.0:0").map_err(|error| error.to_string())?;
    socket.send_to(b"x", address).map(drop).map_err(|error| error.to_string())
}

pub(crate) fn look_up(name: &str) -> Result<Vec<String>, String> {
    let found = (name, 80).to_socket_addrs().map_err(|error| error.to_string())?;
    Ok(found.map(|address| address.to_string()).collect())
}
