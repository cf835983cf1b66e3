# frozen_string_literal: true

# A step's call: its arguments resolved, and how the gem makes it.
module Calls
  # How long a call may take that does not say.
  LIMIT_S = 10

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
    when "unlock" then @locks.fetch(step["lock"]).then { |lock| -> { lock.unlock.then { {} } } }
    else client(step).then { |client| -> { on_client(client, step, path, at, limit) } }
    end
  end

  def on_client(client, step, path, at, limit)
    case step["do"]
    when "set" then { rev: client.set(path, value(step), at, **limit) }
    when "add" then { rev: client.add(path, value(step), **limit) }
    when "del" then { rev: client.del(path, at, **limit) }
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
    when "lock" then client.lock(path, **limit).then { |lock| { rev: lock.rev, lock: } }
    else raise Wrong, "no step does `#{step["do"]}`"
    end
  end

  def connect(step)
    lambda do
      opened = if step["uri"] then Doozer.connect(step["uri"], connect_timeout: limit_s(step))
               else open_client(step.fetch("via", via), step["secret"], limit_s(step))
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

    name, offset = /\A([^+-]+)([+-]\d+)?\z/.match(rev).captures
    @saved.fetch(name) + offset.to_i
  end

  def value(step, prefix = "value", sub = "value_")
    return step[prefix].b if step.key?(prefix)
    return [step["#{sub}hex"]].pack("H*") if step.key?("#{sub}hex")

    "x".b * step["#{sub}size"] if step.key?("#{sub}size")
  end
end
