# frozen_string_literal: true

module Doozer
  # A member within this process. Its clients read and write without a socket. Collected or left at the process's end
  # without `stop`, it ends as if it had crashed, which loses nothing either. In the child of a fork it raises Forked.
  class Node
    include Scoped
    extend Scoped

    # Starts a member; returns when it serves. With a block, gives the Node to the block, stops it when the block is left,
    # and returns what the block does. All arguments may be left out:
    #
    # [data_dir] the folder of its data, made if it is not there: every write is on disk before it is answered. Without it,
    #            everything is in memory.
    # [listen] "HOST:PORT" to serve clients on; port 0 takes a free one. Without it, it serves this process only.
    # [cluster_name] used at a cluster's birth only. Default: "local".
    # [history] how many revisions it keeps.
    # [history_bytes] how many bytes these may take.
    # [max_value] the largest value in bytes; used at a cluster's birth only.
    # [secret, read_secret] what clients have to present to write, and to read.
    # [tls_cert, tls_key] its certificate chain and private key, PEM files: clients are served over TLS.
    # [tls_ca] clients must show a certificate signed by one of these.
    # [hostname] what `/ctl/node/ID/hostname` says.
    #
    # Raises Io with what stood in the way.
    def self.start(data_dir: nil, listen: nil, cluster_name: nil, history: nil, history_bytes: nil, max_value: nil,
                   secret: nil, read_secret: nil, tls_cert: nil, tls_key: nil, tls_ca: nil, hostname: nil, &block)
      options = { data_dir:, listen:, cluster_name:, history:, history_bytes:, max_value:, secret:, read_secret:,
                  tls_cert:, tls_key:, tls_ca:, hostname: }
      return Native.start(options, nil) unless block

      scoped(block) { |given| Native.start(options, given) }
    end

    # A Client of it, without a socket; with a block, as Doozer.connect. Arguments as there.
    #
    # Raises Closed if it was stopped.
    def client(timeout: nil, connect_timeout: nil, secret: nil, name: nil, session_ttl: nil, session_label: nil, &block)
      options = { timeout:, connect_timeout:, secret:, name:, session_ttl:, session_label: }
      return _client(options, nil) unless block

      scoped(block) { |given| _client(options, given) }
    end

    # Reads a file from this member's state as it is, or was at a revision. Never waits, and asks no other member. Returns
    # a File.
    #
    # Raises IsDir, BadPath, TooLate, Range; Timeout if the revision has not come yet; Closed if it was stopped.
    def get_local(path, rev = nil) = _get_local(path, rev)

    # The revision of this member's state.
    #
    # Raises Closed if it was stopped.
    def revision = _revision

    # Its id, as Client#self_id gives it.
    def id = _id

    # The name its cluster was born with.
    def cluster_name = _cluster_name

    # Where it listens, "HOST:PORT" with the port it got; nil if it does not.
    def address = _address

    # Takes no more requests, answers what is under way, makes everything durable, and ends. Again, it does nothing.
    def stop = _stop

    private

    def end_of_block(_has_failed) = stop
  end
end
