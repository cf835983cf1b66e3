# frozen_string_literal: true

# Doozer, a highly available, consistent store for small, extremely important data: clients and embedded members.

require_relative "doozer/version"
require_relative "doozer/error"
require_relative "doozer/errors"
require_relative "doozer/results"
require_relative "doozer/doozer_native"

unless Doozer::Native::VERSION == Doozer::VERSION
  raise LoadError, "doozer #{Doozer::VERSION} found a native part of version #{Doozer::Native::VERSION}: " \
                   "install the gem again (gem pristine doozer), so that both come from one build"
end

require_relative "doozer/scoped"
require_relative "doozer/client"
require_relative "doozer/recipes"
require_relative "doozer/stream"
require_relative "doozer/kept"
require_relative "doozer/lock"
require_relative "doozer/leader"
require_relative "doozer/registration"
require_relative "doozer/live"
require_relative "doozer/entered"
require_relative "doozer/txn"
require_relative "doozer/node"
require_relative "doozer/dispatcher"

module Doozer
  # Opens a client of a cluster, and returns it when a connection stands. With a block, gives it to the block, closes it
  # when the block is left, and returns what the block does.
  #
  # `uri` is `doozer:?ca=HOST:PORT&cn=NAME` or `HOST:PORT,HOST:PORT`; nil is what the environment's DOOZER_URI says, or a
  # member at 127.0.0.1:8046. All else may be left out:
  #
  # [timeout] how long a call may take, in seconds, reconnecting included; Float::INFINITY is without end. Default: 10.
  # [connect_timeout] how long opening it may take, over all addresses. Default: 10.
  # [secret] what it presents on each connection.
  # [name] what it calls itself to members, for their logs.
  # [session_ttl] how long what it holds (locks, registrations) outlives its last sign of life, in seconds: from 1 to
  #               86400. Default: 10.
  # [session_label] what its session is called in listings and in the files of its locks, for people. Default: the
  #                 program's name and the process's id.
  # [boot] the URI of the cluster in which a cluster's name is looked up. Default: the environment's DOOZER_BOOT_URI.
  # [tls_ca] TLS: the certificates, a PEM file, that may have signed a member's.
  # [tls_cert, tls_key] its own certificate and private key, PEM files, for clusters that ask for one.
  # [tls_server_name] what a member's certificate must be for. Default: the host of the address.
  #
  # Raises BadUri; BadTtl; Timeout or Disconnected, naming the addresses, if nobody is there; PermissionDenied if the
  # secret is wrong; Io.
  def self.connect(uri = nil, timeout: nil, connect_timeout: nil, secret: nil, name: nil, session_ttl: nil,
                   session_label: nil, boot: nil, tls_ca: nil, tls_cert: nil, tls_key: nil, tls_server_name: nil, &block)
    options = { timeout:, connect_timeout:, secret:, name:, session_ttl:, session_label:, boot:, tls_ca:, tls_cert:,
                tls_key:, tls_server_name: }
    return Native.connect(uri, options, nil) unless block

    scoped(block) { |given| Native.connect(uri, options, given) }
  end
  extend Scoped
end
