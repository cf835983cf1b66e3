//! Doozer's rivals, etcd and ZooKeeper, as the load of `doozer-bench` sees them: clients made for speed, and how to run
//! three members of each.
//! What is measured does not belong here: it is the same for all.
//!
//! | module | what it holds |
//! |---|---|
//! | [`zookeeper`] | ZooKeeper's own protocol, pipelined over one connection as its own clients do |
//! | [`etcd`] | etcd's gRPC, many calls at once over one HTTP/2 connection |

pub mod etcd;
pub mod zookeeper;

pub use etcd::Etcd;
pub use zookeeper::ZooKeeper;
