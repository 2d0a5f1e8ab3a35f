//! TLS, both ends: with which certificate a hub shows itself, and which certificates a client trusts.
//!
//! It opens no connection and knows nothing of hubs. There is one provider of cryptography, *ring*, and it is named
//! everywhere, so that none has to be installed for the whole process. Versions are 1.2 and 1.3.

mod fingerprint;
mod identity;
mod kept;
mod trust;

pub use fingerprint::{Fingerprint, NoFingerprint};
pub use identity::{Identity, TlsError};
pub use kept::{Kept, kept, kept_for};
pub use trust::{Distrust, Trust};

use std::sync::{Arc, LazyLock};
use tokio_rustls::rustls::crypto::{CryptoProvider, ring};

fn provider() -> Arc<CryptoProvider> {
    static PROVIDER: LazyLock<Arc<CryptoProvider>> = LazyLock::new(|| Arc::new(ring::default_provider()));
    PROVIDER.clone()
}
