//! What can be typed about the schema of the wire.

use clap::Args;

/// Options of `schema`.
#[derive(Debug, Clone, Args)]
pub struct SchemaOptions {
    /// An event type, for its data; or a frame or a request of a dialect, like classic/subscribe [default: everything]
    #[arg(value_name = "NAME", conflicts_with_all = ["list", "asyncapi"])]
    pub name: Option<String>,
    /// Print the names there are, one on a line
    #[arg(long, conflicts_with = "asyncapi")]
    pub list: bool,
    /// Print the AsyncAPI 3.0 document of the hub, with the same schemas
    #[arg(long)]
    pub asyncapi: bool,
}
