//! A network of namespaces whose packets are dropped, delayed and thereby reordered.
//!
//! Each place has a TUN device; this process carries IP packets from one to the other and treats them as the [`Weather`] says. The thread of the test
//! enters the first place, and what it starts is there too. Needs root; without it the test says that it did not run.
//!
//! # Design notes
//! The kernel's own netem is a module that many kernels of virtual machines lack. A TCP proxy could only delay and cut: it would hide what the
//! kernels at both ends do about a lost or a late packet.

use std::cell::Cell;
use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Read as _, Write as _};
use std::os::fd::AsRawFd as _;
use std::process::Command;
use std::rc::Rc;
use std::time::Duration;

use nix::sched::{CloneFlags, setns};
use tokio::sync::mpsc::{self, UnboundedReceiver, UnboundedSender};

/// More than any packet of these devices.
const MAX_PACKET: usize = 2048;
const DEVICE: &[u8] = b"bowline0";
/// `IFF_TUN | IFF_NO_PI` of linux/if_tun.h: packets without a header of the device.
const TUN: u16 = 0x0001 | 0x1000;

/// linux/if.h `ifreq`, as far as TUNSETIFF reads it.
#[repr(C)]
struct Interface {
    name: [u8; 16],
    flags: u16,
    rest: [u8; 22],
}

nix::ioctl_write_ptr_bad!(set_interface, nix::request_code_write!(b'T', 202, size_of::<i32>()), Interface);

/// What happens to packets.
#[derive(Clone, Copy, Debug, Default)]
pub struct Weather {
    /// Of a thousand, how many are lost.
    pub lost: u64,
    /// What each is late at least.
    pub delay: Duration,
    /// What some are later than others: packets overtake each other.
    pub jitter: Duration,
}

/// Where programs can be started.
#[derive(Clone, Debug)]
pub struct Place {
    /// The namespace's name, for `ip netns exec`.
    pub namespace: String,
    /// Its address.
    pub address: String,
}

/// See the module.
pub struct Network {
    places: Vec<Place>,
    weather: Rc<Cell<Weather>>,
    carried: Rc<Cell<(u64, u64)>>,
}

impl Network {
    /// Makes `count` places, and enters the first with the calling thread, which stays there. It must be called inside a `LocalSet`.
    #[must_use]
    pub fn enter(test: &str, count: usize) -> Option<Self> {
        if !nix::unistd::geteuid().is_root() || !std::path::Path::new("/dev/net/tun").exists() {
            // Not through the captured output: a test that did not run must be seen.
            let _ = writeln!(std::io::stderr(), "skipped: {test}: it needs root and /dev/net/tun");
            return None;
        }
        let id = std::env::var("BOWLINE_TEST_RUN").unwrap_or_else(|_| std::process::id().to_string());
        let unique = uuid::Uuid::new_v4().simple().to_string();
        let place = |n: usize| Place {
            namespace: format!("bowline-{id}-{}-{n}", &unique[..6]),
            address: format!("10.99.0.{}", n + 1),
        };
        let places: Vec<Place> = (0..count).map(place).collect();
        let weather: Rc<Cell<Weather>> = Rc::default();
        let carried: Rc<Cell<(u64, u64)>> = Rc::default();
        let legs: Vec<File> = places.iter().map(make).collect();
        enter(&places[0].namespace);
        let (sender, packets) = mpsc::unbounded_channel();
        for leg in &legs {
            let (leg, sender) = (leg.try_clone().unwrap(), sender.clone());
            std::thread::spawn(move || listen(leg, &sender));
        }
        let (now, counted) = (Rc::clone(&weather), Rc::clone(&carried));
        tokio::task::spawn_local(carry(Rc::new(legs), packets, now, counted));
        Some(Self { places, weather, carried })
    }

    /// One of its places.
    #[must_use]
    pub fn place(&self, number: usize) -> &Place {
        &self.places[number]
    }

    /// Changes what happens to packets from now on.
    pub fn set(&self, weather: Weather) {
        self.weather.set(weather);
    }

    /// How many packets were carried, and how many lost.
    #[must_use]
    pub fn carried(&self) -> (u64, u64) {
        self.carried.get()
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        for place in &self.places {
            let _ = Command::new("ip").args(["netns", "delete", &place.namespace]).status();
        }
    }
}

fn ip(arguments: &[&str]) {
    let done = Command::new("ip").args(arguments).status().unwrap();
    assert!(done.success(), "ip {}", arguments.join(" "));
}

fn enter(namespace: &str) {
    let namespace = File::open(format!("/run/netns/{namespace}")).unwrap();
    setns(namespace, CloneFlags::CLONE_NEWNET).unwrap();
}

/// Makes a namespace with its device, and gives the end of the device that this process holds.
fn make(place: &Place) -> File {
    let Place { namespace, address } = place;
    ip(&["netns", "add", namespace]);
    let inside = namespace.clone();
    // A thread of its own, because a namespace is a thread's.
    let device = std::thread::spawn(move || {
        enter(&inside);
        open_device()
    });
    let device = device.join().expect("the device can be made");
    let name = std::str::from_utf8(DEVICE).expect("a name in ASCII");
    ip(&["-n", namespace, "link", "set", "lo", "up"]);
    ip(&["-n", namespace, "address", "add", &format!("{address}/24"), "dev", name]);
    ip(&["-n", namespace, "link", "set", name, "up"]);
    device
}

fn open_device() -> File {
    let device = OpenOptions::new().read(true).write(true).open("/dev/net/tun").unwrap();
    let mut interface = Interface { name: [0; 16], flags: TUN, rest: [0; 22] };
    interface.name[..DEVICE.len()].copy_from_slice(DEVICE);
    #[expect(
        unsafe_code,
        reason = "TUNSETIFF has no safe form; the structure is the kernel's and outlives the call"
    )]
    unsafe { set_interface(device.as_raw_fd(), &raw const interface) }.unwrap();
    device
}

/// Gives what comes from one place, for as long as its device is there.
fn listen(mut leg: File, packets: &UnboundedSender<Vec<u8>>) {
    let mut buffer = vec![0; MAX_PACKET];
    loop {
        match leg.read(&mut buffer) {
            Ok(read) if packets.send(buffer[..read].to_vec()).is_ok() => {}
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            _ => return,
        }
    }
}

/// Carries packets from wherever they come.
async fn carry(
    legs: Rc<Vec<File>>,
    mut packets: UnboundedReceiver<Vec<u8>>,
    weather: Rc<Cell<Weather>>,
    carried: Rc<Cell<(u64, u64)>>,
) {
    while let Some(packet) = packets.recv().await {
        let Some(to) = destination(&packet, legs.len()) else { continue };
        let (now, (through, lost)) = (weather.get(), carried.get());
        if now.lost > 0 && random() % 1000 < now.lost {
            carried.set((through, lost + 1));
            continue;
        }
        carried.set((through + 1, lost));
        let late = now.delay + now.jitter.mul_f64((random() % 1000) as f64 / 1000.0);
        if late.is_zero() {
            let _ = (&legs[to]).write(&packet);
        } else {
            let legs = Rc::clone(&legs);
            tokio::task::spawn_local(async move {
                tokio::time::sleep(late).await;
                let _ = (&legs[to]).write(&packet);
            });
        }
    }
}

/// The place of an IPv4 packet's destination (RFC 791, octets 16 to 19).
fn destination(packet: &[u8], places: usize) -> Option<usize> {
    let octets: [u8; 4] = packet.get(16..20)?.try_into().ok()?;
    let number = usize::from(octets[3]).checked_sub(1)?;
    (packet[0] >> 4 == 4 && octets[..3] == [10, 99, 0] && number < places).then_some(number)
}

fn random() -> u64 {
    uuid::Uuid::new_v4().as_u64_pair().1
}
