//! Connecting out, and to sockets of the machine.

use std::net::{TcpListener, UdpSocket};
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram, UnixListener};

use mesoclaw_sandbox::{Enforcement, Level, Status};

use super::place::{ENFORCED, Place, outcome, run};

/// Sends a word to a local socket: by name (stream, datagram), or abstract.
const LOCAL: &str = r#"
use Socket;
my ($how, $name) = @ARGV;
my $address = $how eq 'abstract' ? pack('S a*', AF_UNIX, "\0$name") : pack_sockaddr_un($name);
if ($how eq 'pair') {
    socketpair(my $a, my $b, AF_UNIX, SOCK_DGRAM, 0) or die "pair: $!";
    send($a, 'x', 0, $address) or die "send: $!";
} else {
    my $type = $how eq 'datagram' ? SOCK_DGRAM : SOCK_STREAM;
    socket(my $s, AF_UNIX, $type, 0) or die "socket: $!";
    connect($s, $address) or die "connect: $!";
    syswrite($s, 'x') or die "write: $!";
}
"#;

fn tcp() -> (TcpListener, u16) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a listener");
    listener.set_nonblocking(true).expect("a listener");
    let port = listener.local_addr().expect("an address").port();
    (listener, port)
}

fn udp() -> (UdpSocket, u16) {
    let socket = UdpSocket::bind("127.0.0.1:0").expect("a socket");
    socket.set_nonblocking(true).expect("a socket");
    let port = socket.local_addr().expect("an address").port();
    (socket, port)
}

pub async fn no_socket_without_the_right() {
    let place = Place::new();
    let (listener, tcp_port) = tcp();
    let (socket, udp_port) = udp();
    for level in ENFORCED {
        for attempt in [
            format!("echo x > /dev/tcp/127.0.0.1/{tcp_port}"),
            format!("echo x > /dev/udp/127.0.0.1/{udp_port}"),
            format!("echo x > /dev/tcp/::1/{tcp_port}"),
            "perl -MSocket -e 'socket(S, AF_INET, SOCK_RAW, 1) or die'".to_owned(),
            // Netlink, packet, hyper-visor and crypto sockets.
            "perl -e 'socket(S, 16, 3, 0) or die'".to_owned(),
            "perl -e 'socket(S, 17, 3, 0) or die'".to_owned(),
            "perl -e 'socket(S, 40, 1, 0) or die'".to_owned(),
            "perl -e 'socket(S, 38, 5, 0) or die'".to_owned(),
        ] {
            let finished = place.run(level, &attempt).await;
            assert_ne!(finished.status, Status::Exited(0), "{attempt}");
            assert_eq!(finished.enforced.network, Enforcement::Full);
        }
    }
    assert!(listener.accept().is_err(), "somebody connected");
    assert!(socket.recv(&mut [0; 8]).is_err(), "somebody sent");
    let line = format!("echo x > /dev/tcp/127.0.0.1/{tcp_port}");
    let finished = place.run(Level::Off, &line).await;
    assert_eq!(finished.status, Status::Exited(0));
    assert!(listener.accept().is_ok(), "nobody connected");
}

pub async fn with_the_right_the_network_is_reached() {
    let place = Place::new();
    let (listener, tcp_port) = tcp();
    let (socket, udp_port) = udp();
    for level in ENFORCED {
        let mut spec = place.bash(&format!(
            "echo x > /dev/tcp/127.0.0.1/{tcp_port} && echo y > /dev/udp/127.0.0.1/{udp_port}"
        ));
        spec.network = true;
        let finished = run(level, spec).await;
        assert_eq!(
            outcome(&finished),
            (Status::Exited(0), String::new(), String::new())
        );
        assert_eq!(
            finished.enforced.network,
            Enforcement::None("the network was granted".to_owned())
        );
        assert!(listener.accept().is_ok(), "nobody connected");
        assert_eq!(socket.recv(&mut [0; 8]).ok(), Some(2));
        for attempt in [
            "perl -MSocket -e 'socket(S, AF_INET, SOCK_RAW, 1) or die'",
            "perl -e 'socket(S, 2, 10, 3) or die'",
            "perl -e 'socket(S, 17, 3, 0) or die'",
            "perl -e 'socket(S, 16, 3, 9) or die'",
        ] {
            let mut spec = place.bash(attempt);
            spec.network = true;
            let finished = run(level, spec).await;
            assert_ne!(finished.status, Status::Exited(0), "{attempt}");
        }
    }
}

pub async fn the_daemons_socket_is_never_reached() {
    let place = Place::new();
    let name = |end: &str| place.workspace.join(end).display().to_string();
    // Even in the workspace, where the files rules allow everything.
    let stream = UnixListener::bind(name("daemon.sock")).expect("a listener");
    let datagram = UnixDatagram::bind(name("log.sock")).expect("a socket");
    let abstract_name = format!("mesoclaw-{}", std::process::id());
    let address = SocketAddr::from_abstract_name(&abstract_name).expect("a name");
    let hidden = UnixListener::bind_addr(&address).expect("a listener");
    stream.set_nonblocking(true).expect("a listener");
    datagram.set_nonblocking(true).expect("a socket");
    hidden.set_nonblocking(true).expect("a listener");
    let attempts = [
        ("stream", name("daemon.sock")),
        ("datagram", name("log.sock")),
        ("pair", name("log.sock")),
        ("abstract", abstract_name),
    ];
    for (how, socket) in &attempts {
        for network in [false, true] {
            for level in ENFORCED {
                let mut spec = place.spec("/usr/bin/perl", &["-e", LOCAL, how, socket]);
                spec.network = network;
                let finished = run(level, spec).await;
                assert_ne!(finished.status, Status::Exited(0), "{how} {level}");
            }
        }
    }
    assert!(stream.accept().is_err(), "somebody connected");
    assert!(hidden.accept().is_err(), "somebody connected");
    assert!(datagram.recv(&mut [0; 8]).is_err(), "somebody sent");
    // The same program reaches all of them without the sandbox.
    for (how, socket) in &attempts {
        let finished = run(
            Level::Off,
            place.spec("/usr/bin/perl", &["-e", LOCAL, how, socket]),
        )
        .await;
        assert_eq!(
            outcome(&finished),
            (Status::Exited(0), String::new(), String::new()),
            "{how}"
        );
    }
}
