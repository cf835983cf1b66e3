# frozen_string_literal: true

# A step's call: its arguments resolved, and how the gem makes it.
module Calls
  # How long a call may take that does not say.
  LIMIT_S = 10
  # What is kept by a name until it is given back; each is a key of the steps that make or use it.
  KINDS = %w[lock leader registration live entered].freeze
  # What is done with what is kept.
  ON_KEPT = %w[unlock resign proclaim lost held deregister files changed leave].freeze

  private

  # A call that is ready to be made. It gives what its answer has, and nothing else.
  def call(step)
    limit = { timeout: limit_s(step) }
    path = step["path"] || step["glob"]
    at = step.key?("rev") ? resolve(step["rev"]) : nil
    case step["do"]
    when "connect" then connect(step)
    when "get_local" then -> { file(@node.get_local(path, at)) }
    when "revision" then -> { { rev: @node.revision } }
    when "next" then read(@streams.fetch(step["stream"]), limit)
    when *ON_KEPT then kept(step).then { |thing, path| -> { on_kept(thing, path, step, limit) } }
    else client(step).then { |client| -> { on_client(client, step, path, at, limit) } }
    end
  end

  def on_client(client, step, path, at, limit)
    case step["do"]
    when "set" then { rev: client.set(path, value(step), at, **fence(step), **limit) }
    when "add" then { rev: client.add(path, value(step), **limit) }
    when "del" then { rev: client.del(path, at, **fence(step), **limit) }
    when "rollback" then { rev: client.rollback(path, at, **limit) }
    when "txn" then txn(client.txn, step["txn"]).commit(**limit).then { |revs| { revs:, rev: revs.last || 0 } }
    when "get" then file(client.get(path, at, **limit))
    when "rev" then { rev: client.rev(**limit) }
    when "stat" then client.stat(path, at, **limit).to_h
    when "getdir" then { names: client.getdir(path, at, **limit) }
    when "walk" then entries(client.walk(path, at, **limit))
    when "list"
      entries(client.list(path, at, limit: step["limit"], keys_only: step.fetch("keys_only", false), **limit).to_a)
    when "wait" then client.wait(path, at, **limit).to_h
    when "nop" then client.nop(**limit).then { {} }
    when "self" then { text: client.self_id(**limit) }
    when "access" then client.access(step.fetch("secret"), **limit).then { {} }
    when "lock" then locked(client.lock(path, **limit))
    when "try_lock" then locked(client.try_lock(path, **limit))
    when "read_lock" then locked(client.read_lock(path, **limit))
    when "write_lock" then locked(client.write_lock(path, **limit))
    when "semaphore" then locked(client.semaphore(path, step["n"], **limit))
    when "elect" then client.elect(path, value(step), **limit).then { |leader| { rev: leader.token, kept: leader } }
    when "register" then client.register(path, value(step), **limit).then { |one| { rev: one.rev, kept: one } }
    when "discover" then { kept: client.discover(path, **limit) }
    when "enter" then { kept: client.barrier(path, step["n"], **limit) }
    else raise Wrong, "no step does `#{step["do"]}`"
    end
  end

  def on_kept(thing, path, step, limit)
    case step["do"]
    when "unlock" then thing.unlock.then { {} }
    when "resign" then thing.resign.then { {} }
    when "deregister" then thing.deregister.then { {} }
    when "leave" then thing.leave(**limit).then { {} }
    when "proclaim" then { rev: thing.proclaim(value(step)) }
    when "held" then { held: thing.public_send(%i[held? leading? inside?].find { |name| thing.respond_to?(name) }) }
    when "files" then files(thing.files)
    when "changed" then files(thing.changed(**limit))
    when "lost"
      # That its time is up is no error here, but false.
      thing.wait_lost(**limit) or raise Doozer::Timeout.new("it is not lost", operation: "lost", path:)
      {}
    end
  end

  def locked(lock) = lock ? { rev: lock.rev, kept: lock } : { rev: 0 }

  def files(files) = { names: files.keys, values: files.values.map(&:value) }

  def txn(txn, text)
    text.split("\n").each do |line|
      part, path, *rest = line.split
      case part
      when "if_rev", "if_fence", "del" then txn.public_send(part, path, resolve(rest.first))
      when "if_value" then txn.if_value(path, rest.first)
      when "if_absent" then txn.if_absent(path)
      when "set", "set_ephemeral" then txn.public_send(part, path, rest.first, resolve(rest.last))
      else raise Wrong, "no transaction has the part `#{line}`"
      end
    end
    txn
  end

  # What is kept under the name that a step has, and the path that it was made with.
  def kept(step)
    kind = KINDS.find { |one| step.key?(one) }
    @kept.fetch([kind, step[kind]])
  end

  # The lock, or the leader, that a write is to depend on.
  def fence(step)
    return {} unless step.key?("fence")

    { fence: %w[lock leader].filter_map { |kind| @kept[[kind, step["fence"]]] }.fetch(0).first }
  end

  def connect(step)
    lambda do
      options = { connect_timeout: limit_s(step), session_ttl: step["session_ttl_ms"]&./(1000.0),
                  session_label: step["session_label"] }
      opened = if step["uri"] then Doozer.connect(step["uri"], **options)
               else open_client(step.fetch("via", via), step["secret"], **options)
               end
      @clients[step.fetch("client")] = opened
      {}
    end
  end

  def read((stream, *), limit)
    lambda do
      raise stream if stream.is_a?(Doozer::Error)

      item = stream.next(**limit)
      item.is_a?(Doozer::File) ? file(item) : item.to_h
    end
  end

  def file(file) = file.value.nil? ? { rev: file.rev, missing: true } : file.to_h

  def entries(entries) = { names: entries.map(&:path), values: entries.map(&:value) }

  def limit_s(step) = step.key?("timeout_ms") ? step["timeout_ms"] / 1000.0 : LIMIT_S

  def resolve(rev)
    return rev if rev.nil? || rev.is_a?(Integer)
    return Integer(rev, 10) if rev.match?(/\A-?\d+\z/)

    name, offset = /\A([^+-]+)([+-]\d+)?\z/.match(rev).captures
    @saved.fetch(name) + offset.to_i
  end

  def value(step, prefix = "value", sub = "value_")
    return step[prefix].b if step.key?(prefix)
    return [step["#{sub}hex"]].pack("H*") if step.key?("#{sub}hex")

    "x".b * step["#{sub}size"] if step.key?("#{sub}size")
  end
end
