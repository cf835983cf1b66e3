//! `Doozer::Client`: one method for each call; `recipes` has more.

use doozer_bridge::{Client as Bridge, ListOptions};
use magnus::typed_data::Obj;
use magnus::value::ReprValue;
use magnus::{Class, Error, Module, Object, RArray, RHash, RModule, Ruby, Value, function, method};

use crate::arguments::{self, Keywords, bytes, call_options, count, fence, limited, rev, rev_or_now, text};
use crate::errors::entry;
use crate::kept::hand_over;
use crate::recipes;
use crate::results;
use crate::stream::Stream;
use crate::txn::Txn;
use crate::wait::{wait, wait_briefly};

#[magnus::wrap(class = "Doozer::Client", free_immediately, size)]
pub(crate) struct Client(pub Bridge);

impl Client {
    fn connect(
        ruby: &Ruby,
        uri: Value,
        keywords: RHash,
        given: Option<RArray>,
    ) -> Result<Obj<Client>, Error> {
        entry(ruby, "connect", || {
            let uri = if uri.is_nil() { None } else { Some(text(uri)?) };
            let options = arguments::options(&Keywords { ruby, hash: keywords })?;
            hand_over(ruby, given, Client(wait(ruby, Bridge::connect(uri.as_deref(), options))?))
        })
    }

    /// Closes it in the background, unless that was begun.
    pub fn abandon(&self) {
        if !self.0.is_closed() {
            self.0.close().spawn(drop);
        }
    }

    fn close(ruby: &Ruby, this: &Client) -> Result<(), Error> {
        entry(ruby, "close", || wait(ruby, this.0.close()))
    }

    fn is_closed(ruby: &Ruby, this: &Client) -> Result<bool, Error> {
        entry(ruby, "close", || Ok(this.0.is_closed()))
    }

    fn get(
        ruby: &Ruby,
        this: &Client,
        path: Value,
        at: Value,
        timeout: Value,
        fresh: Value,
    ) -> Result<Value, Error> {
        entry(ruby, "get", || {
            let op = this.0.get(&text(path)?, rev_or_now(at)?, call_options(timeout, fresh)?);
            // An embedded member answers at once.
            results::file(ruby, wait_briefly(ruby, op)?)
        })
    }

    fn set(
        ruby: &Ruby,
        this: &Client,
        path: Value,
        value: Value,
        at: Value,
        under: Value,
        timeout: Value,
    ) -> Result<i64, Error> {
        entry(ruby, "set", || {
            let options = limited(timeout)?;
            let (path, value, rev) = (text(path)?, bytes(value)?.into(), rev(at)?);
            let op = match under.is_nil() {
                true => this.0.set(&path, value, rev, options),
                false => this.0.set_fenced(&path, value, rev, fence(ruby, under)?, options),
            };
            wait(ruby, op)
        })
    }

    fn add(ruby: &Ruby, this: &Client, path: Value, value: Value, timeout: Value) -> Result<i64, Error> {
        entry(ruby, "add", || {
            let options = limited(timeout)?;
            wait(ruby, this.0.add(&text(path)?, bytes(value)?.into(), options))
        })
    }

    /// 0 stands for nothing having been there.
    fn del(
        ruby: &Ruby,
        this: &Client,
        path: Value,
        at: Value,
        under: Value,
        timeout: Value,
    ) -> Result<i64, Error> {
        entry(ruby, "del", || {
            let options = limited(timeout)?;
            let (path, rev) = (text(path)?, rev(at)?);
            let op = match under.is_nil() {
                true => this.0.del(&path, rev, options),
                false => this.0.del_fenced(&path, rev, fence(ruby, under)?, options),
            };
            wait(ruby, op).map(Option::unwrap_or_default)
        })
    }

    fn rollback(ruby: &Ruby, this: &Client, path: Value, at: Value, timeout: Value) -> Result<i64, Error> {
        entry(ruby, "rollback", || {
            let options = limited(timeout)?;
            wait(ruby, this.0.rollback(&text(path)?, rev(at)?, options))
        })
    }

    fn txn(ruby: &Ruby, this: &Client) -> Result<Txn, Error> {
        entry(ruby, "txn", || Ok(Txn::new(this.0.clone())))
    }

    fn wait(ruby: &Ruby, this: &Client, glob: Value, from: Value, timeout: Value) -> Result<Value, Error> {
        entry(ruby, "wait", || {
            let options = limited(timeout)?;
            results::event(ruby, wait(ruby, this.0.wait(&text(glob)?, rev(from)?, options))?)
        })
    }

    fn stat(
        ruby: &Ruby,
        this: &Client,
        path: Value,
        at: Value,
        timeout: Value,
        fresh: Value,
    ) -> Result<Value, Error> {
        entry(ruby, "stat", || {
            let op = this.0.stat(&text(path)?, rev_or_now(at)?, call_options(timeout, fresh)?);
            results::stat(ruby, wait(ruby, op)?)
        })
    }

    fn getdir(
        ruby: &Ruby,
        this: &Client,
        path: Value,
        at: Value,
        timeout: Value,
        fresh: Value,
    ) -> Result<RArray, Error> {
        entry(ruby, "getdir", || {
            let op = this.0.getdir(&text(path)?, rev_or_now(at)?, call_options(timeout, fresh)?);
            results::names(ruby, wait(ruby, op)?)
        })
    }

    fn walk(
        ruby: &Ruby,
        this: &Client,
        glob: Value,
        at: Value,
        timeout: Value,
        fresh: Value,
    ) -> Result<RArray, Error> {
        entry(ruby, "walk", || {
            let op = this.0.walk(&text(glob)?, rev_or_now(at)?, call_options(timeout, fresh)?);
            results::entries(ruby, wait(ruby, op)?)
        })
    }

    fn rev(ruby: &Ruby, this: &Client, timeout: Value) -> Result<i64, Error> {
        entry(ruby, "rev", || wait(ruby, this.0.rev(limited(timeout)?)))
    }

    fn nop(ruby: &Ruby, this: &Client, timeout: Value) -> Result<(), Error> {
        entry(ruby, "nop", || wait(ruby, this.0.nop(limited(timeout)?)))
    }

    fn self_id(ruby: &Ruby, this: &Client, timeout: Value) -> Result<Value, Error> {
        entry(ruby, "self", || {
            let id = wait(ruby, this.0.self_id(limited(timeout)?))?;
            Ok(results::utf8(ruby, &id))
        })
    }

    fn access(ruby: &Ruby, this: &Client, secret: Value, timeout: Value) -> Result<(), Error> {
        entry(ruby, "access", || {
            let options = limited(timeout)?;
            wait(ruby, this.0.access(&bytes(secret)?, options))
        })
    }

    #[allow(clippy::too_many_arguments, reason = "keyword arguments in Ruby")]
    fn list(
        ruby: &Ruby,
        this: &Client,
        glob: Value,
        at: Value,
        limit: Value,
        keys_only: bool,
        timeout: Value,
        fresh: Value,
    ) -> Result<Value, Error> {
        entry(ruby, "list", || {
            let list = ListOptions { limit: count("limit", limit)?, keys_only };
            let opened = this.0.list(&text(glob)?, rev_or_now(at)?, list, call_options(timeout, fresh)?);
            Stream::entries(ruby, opened)
        })
    }

    fn watch(ruby: &Ruby, this: &Client, glob: Value, from: Value) -> Result<Value, Error> {
        entry(ruby, "watch", || Stream::watch(ruby, this.0.watch(&text(glob)?, rev(from)?)))
    }

    fn follow(ruby: &Ruby, this: &Client, glob: Value, from: Value) -> Result<Value, Error> {
        entry(ruby, "follow", || Stream::follow(ruby, this.0.follow(&text(glob)?, rev_or_now(from)?)))
    }

    fn config(ruby: &Ruby, this: &Client, path: Value) -> Result<Value, Error> {
        entry(ruby, "config", || Stream::files(ruby, this.0.config(&text(path)?)))
    }
}

pub(crate) fn define(ruby: &Ruby, doozer: RModule) -> Result<(), Error> {
    let native: RModule = doozer.const_get("Native")?;
    native.define_singleton_method("connect", function!(Client::connect, 3))?;
    let class = doozer.define_class("Client", ruby.class_object())?;
    class.undef_default_alloc_func();
    class.define_private_method("_close", method!(Client::close, 0))?;
    class.define_private_method("_closed", method!(Client::is_closed, 0))?;
    class.define_private_method("_get", method!(Client::get, 4))?;
    class.define_private_method("_set", method!(Client::set, 5))?;
    class.define_private_method("_add", method!(Client::add, 3))?;
    class.define_private_method("_del", method!(Client::del, 4))?;
    class.define_private_method("_rollback", method!(Client::rollback, 3))?;
    class.define_private_method("_txn", method!(Client::txn, 0))?;
    class.define_private_method("_wait", method!(Client::wait, 3))?;
    class.define_private_method("_stat", method!(Client::stat, 4))?;
    class.define_private_method("_getdir", method!(Client::getdir, 4))?;
    class.define_private_method("_walk", method!(Client::walk, 4))?;
    class.define_private_method("_rev", method!(Client::rev, 1))?;
    class.define_private_method("_nop", method!(Client::nop, 1))?;
    class.define_private_method("_self_id", method!(Client::self_id, 1))?;
    class.define_private_method("_access", method!(Client::access, 2))?;
    class.define_private_method("_list", method!(Client::list, 6))?;
    class.define_private_method("_watch", method!(Client::watch, 2))?;
    class.define_private_method("_follow", method!(Client::follow, 2))?;
    class.define_private_method("_config", method!(Client::config, 1))?;
    recipes::define(class)
}
