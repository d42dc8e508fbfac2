//! Rebuilds the server when the portal's built files change: they are embedded in it.

fn main() {
    println!("cargo::rerun-if-changed=../../portal/dist");
}
