//! Programs that use libsasl2, with our plugin in it: one of our own, which is watched closely, and servers of Debian.

mod mux;
mod plugin;
pub(crate) mod relays;
pub(crate) mod sendmail;
pub(crate) mod served;
pub(crate) mod site;
mod store;
mod table;
pub(crate) mod walk;
