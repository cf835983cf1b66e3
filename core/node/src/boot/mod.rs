//! Finding a cluster by its name. Another one, the boot cluster, keeps of each cluster NAME where its members are
//! (`/ctl/ns/NAME/ID`), and who founded it last (`/ctl/boot/NAME`).
//! Never here: how members talk to each other (`peers`), or how a cluster is reached (`doozer-client`).
//!
//! | module | what it holds |
//! |---|---|
//! | `registry` | what the boot cluster holds of this cluster: read and written as a client |
//! | `seek` | whom a member that has nothing joins, or whether it founds a cluster |
//! | `judge` | what follows from what is registered and who answers; `lacking`, what stands in the way, in words |
//! | `locate` | where the others are, while a member waits for them |
//! | `keep` | what is registered is kept true while a member runs |
//!
//! **At most one cluster of a name, as long as somebody may have its writes.** Who founds one holds the claim
//! `/ctl/boot/NAME`, which is taken by a SET that names the revision of the last one: so claims have an order, and each
//! founder has seen the claim before its own. Everybody registers before it claims or joins, so whoever has something of a
//! cluster is registered, at the latest then. A member that has nothing says which cluster it looks for; it stops saying so
//! before it claims, and goes on only once it is sure that the claim is not its own.
//!
//! Where there was a claim, the next one takes two rounds that come to the same: what is registered is read, then everybody
//! who is registered is asked, and each says both times that it is the same life and looks for this cluster. Take the moment
//! between the rounds. Nobody who is registered had anything of a cluster then, or could still found one by an earlier
//! claim, because it says afterwards that it has not and cannot. Nobody else had: it would have been registered by then, and
//! the second reading, which came later, found what the first had found. From that moment on nobody can get anything of an
//! earlier cluster, and two who find that out at once claim over the same revision, which one of them wins.
//!
//! This takes for granted that at an address there is one member, so that who answers there took the place of who was
//! registered with it, and that nobody deletes the entry of a member that will come back with its data.

mod judge;
mod keep;
mod lacking;
mod locate;
mod registry;
mod seek;

pub(crate) use keep::Keeper;
pub(crate) use locate::locate;
pub(crate) use registry::BootCluster;
pub(crate) use seek::seek;
