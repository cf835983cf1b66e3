//! libdoozer: Doozer for C and whatever can call C. `include/doozer.h` is made from these sources.
//! What a call does never belongs here: arguments are converted, the thread waits, results are converted back.
//!
//! | module | what it holds |
//! |---|---|
//! | `client`, `stream`, `node` | the functions of the handles that calls begin with |
//! | `lock`, `leader`, `registration`, `live`, `entered` | the functions of what recipes give |
//! | `txn` | several changes at once |
//! | `results` | what calls give: files, events, entries, names |
//! | `error`, `code` | what they fail with |
//! | `options`, `cancel` | what they can be told; waiting for them |
//! | `library` | versions, the end of everything, what a call costs by itself |
//! | `edge` | the boundary: arguments in, results out, no panic across |

#![allow(non_camel_case_types, reason = "C's names")]
// The comment of a public function is its documentation in doozer.h, in C's words; what its caller has to see to is
// said there and, for all of them, at the header's top.
#![allow(clippy::missing_safety_doc, reason = "the header says it in C's words")]

mod cancel;
mod client;
mod code;
mod edge;
mod entered;
mod error;
mod leader;
mod library;
mod live;
mod lock;
mod node;
mod options;
mod registration;
mod results;
mod stream;
mod txn;
