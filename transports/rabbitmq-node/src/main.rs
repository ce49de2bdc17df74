//! A node for whoever wants one for a while: prints its address, and runs until its standard input ends.
//!
//! ```text
//! cargo run --release -p skyscan-rabbitmq-node
//! ```

#![expect(clippy::print_stdout, reason = "it is a command")]

use std::io;

use anyhow::Result;
use skyscan_rabbitmq_node::Node;

fn main() -> Result<()> {
    let node = Node::start()?;
    println!("{}", node.url());
    io::copy(&mut io::stdin(), &mut io::sink())?;
    Ok(())
}
