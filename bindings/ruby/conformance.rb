# frozen_string_literal: true

# The runner of bindings/spec for Ruby: `ruby conformance.rb [DIRECTORY] [OUTPUT] [PART]`, with the gem installed.

require "doozer"
require "fileutils"
require "tmpdir"
require_relative "test/proxy"

# What fails a scenario beside what the gem raises.
class Wrong < StandardError; end

# What a background call that is cancelled is ended with.
class Cancelled < StandardError; end

# A step, or a scenario's own keys, as they stand in a file.
module Files
  SCENARIO = %w[name about via also_embedded history secret read_secret listen durable].freeze
  STEP = %w[do client path glob value value_hex value_size rev limit keys_only stream lock call secret via uri command
            timeout_ms repeat save background expect_value expect_hex expect_size expect_missing expect_rev
            expect_rev_above expect_path expect_change expect_len expect_names expect_values expect_count expect_member
            error error_op error_path error_detail].freeze
  LINE = /\A([a-z0-9_]+) = (?:(-?\d+)|(true|false)|"((?:[^"\\[:cntrl:]]|\\["\\nt]|\\u00[0-7]\h)*)")\z/
  ESCAPES = { '\\\\' => "\\", '\\"' => '"', '\\n' => "\n", '\\t' => "\t" }.freeze

  # The scenarios of a file, each a hash whose "steps" are hashes; a file that is not understood fails.
  def self.read(path)
    scenarios = []
    File.foreach(path, chomp: true, encoding: "UTF-8").with_index(1) do |line, number|
      case line
      when "", /\A#/ then next
      when "[[scenario]]" then scenarios << (into = { "file" => path, "steps" => [] })
      when "[[scenario.step]]" then scenarios.last["steps"] << (into = {})
      else
        key, value = pair(line) || raise(Wrong, "#{path}:#{number}: not understood: #{line}")
        into = scenarios.last["steps"].last || scenarios.last
        known = into.key?("steps") ? SCENARIO : STEP
        (into["unknown"] ||= []) << key if !known.include?(key) || into.key?(key)
        into[key] = value
      end
    end
    scenarios
  end

  def self.pair(line)
    found = LINE.match(line) or return
    key, number, truth, text = found.captures
    return [key, Integer(number, 10)] if number
    return [key, truth == "true"] if truth

    [key, text.gsub(/\\u00(\h\h)|\\./) { |escape| $1 ? $1.hex.chr : ESCAPES.fetch(escape) }]
  end
end

# What a scenario has opened, and its steps carried out.
class World
  LIMIT_S = 10
  LATE_S = 5
  EARLY_S = 0.005
  HUNG_S = 15
  FORKED_S = 20

  Call = Struct.new(:thread, :step, :op, :path)
  Fault = Struct.new(:error, :took)

  def initialize(scenario)
    @scenario = scenario
    @clients, @streams, @locks, @calls, @saved = Array.new(5) { {} }
    @folder = Dir.mktmpdir if scenario["durable"]
    start
    put_proxy_before if via == "proxy"
    @clients["c"] = open_client(via, nil, LIMIT_S) unless via == "none"
  end

  def run
    steps = @scenario["steps"].each_with_index.to_a
    until steps.empty?
      step, at = steps.shift
      begin
        step["do"] == "fork" ? fork_with(steps) : carry_out(step)
      rescue StandardError, NotImplementedError => e
        raise Wrong, "step #{at + 1} (#{step["do"]}): #{e.message}"
      end
    end
  end

  def close
    @calls.each_value { |call| call.thread.kill.join }
    @clients.each_value(&:close)
    @node&.stop
    @proxy&.close
    FileUtils.remove_entry(@folder) if @folder
  end

  private

  def via = @scenario.fetch("via", "tcp")

  def start
    @node = Doozer::Node.start(
      listen: @scenario.fetch("listen", true) ? "127.0.0.1:0" : nil, data_dir: @folder,
      history: @scenario["history"], secret: @scenario["secret"], read_secret: @scenario["read_secret"]
    )
  end

  def put_proxy_before
    @proxy = Proxy.new(@node.address)
    # What clients learn of the member's address leads to the proxy too.
    @node.client { |client| client.set("/ctl/node/#{@node.id}/addr", @proxy.address, -1) }
  end

  def open_client(via, secret, limit)
    return @node.client(connect_timeout: limit) if via == "embedded"

    address = via == "proxy" ? @proxy.address : @node.address
    Doozer.connect("doozer:?ca=#{address}#{"&sk=#{secret}" if secret}", connect_timeout: limit)
  end

  # The steps up to `join`, in a child; steps after it are left.
  def fork_with(steps)
    child = []
    child << steps.shift until steps.first[0]["do"] == "join"
    steps.shift
    pid = fork do
      child.each { |step, _| carry_out(step) }
      exit!(0)
    rescue Exception => e
      warn "in the child: #{e.full_message}"
      exit!(1)
    end
    Timeout.timeout(FORKED_S) { Process.wait(pid) }
    raise Wrong, "the child failed: #{$?}" unless $?.success?
  rescue Timeout::Error
    Process.kill(:KILL, pid)
    Process.wait(pid)
    raise Wrong, "the child did not end within #{FORKED_S} s"
  end

  def carry_out(step)
    raise Wrong, "no step has #{step["unknown"].join(", ")}" if step["unknown"]
    return once(step) unless step["repeat"]

    1.upto(step["repeat"]) do |round|
      once(step.transform_values { |value| value.is_a?(String) ? value.gsub("{i}", round.to_s) : value })
    end
  end

  def once(step)
    case step["do"]
    when "proxy" then @proxy.tell(step.fetch("command"))
    when "start" then start
    when "stop" then @node.stop
    when "close" then client(step).close
    when "close_stream" then @streams.delete(step.fetch("stream")).then { |stream, *| stream.close }
    when "watch", "config" then open_stream(step)
    when "await" then await(@calls.delete(step.fetch("call")), step)
    when "cancel" then cancel(@calls.delete(step.fetch("call")))
    else
      op, path = about(step)
      # Resolved now: a step in the background is made with what is saved now.
      work = call(step)
      thread = Thread.new { measured(work) }
      thread.report_on_exception = false
      made = Call.new(thread, step, op, path)
      step["background"] ? @calls[step["background"]] = made : await(made, step)
    end
  end

  # What its errors are to name.
  def about(step)
    case step["do"]
    when "next" then @streams.fetch(step["stream"]).last(2)
    when "unlock" then ["unlock", @locks.fetch(step["lock"]).path]
    else [step["do"], step["path"] || step["glob"]]
    end
  end

  def measured(work)
    began = Process.clock_gettime(Process::CLOCK_MONOTONIC)
    took = -> { Process.clock_gettime(Process::CLOCK_MONOTONIC) - began }
    [work.call, took.call]
  rescue Doozer::Error => e
    Fault.new(e, took.call)
  end

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

  def open_stream(step)
    path = step["path"] || step["glob"]
    opened = begin
      step["do"] == "watch" ? client(step).watch(path, resolve(step["rev"])) : client(step).config(path)
    rescue Doozer::Error => e
      e # kept for the first `next`
    end
    @streams[step.fetch("stream")] = [opened, step["do"], path]
  end

  def file(file) = file.value.nil? ? { rev: file.rev, missing: true } : file.to_h

  def entries(entries) = { names: entries.map(&:path), values: entries.map(&:value) }

  def client(step) = @clients.fetch(step.fetch("client", "c"))

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

  def cancel(call)
    call.thread.raise(Cancelled)
    call.thread.join(LATE_S) or raise Wrong, "it did not end within #{LATE_S} s"
    raise Wrong, "it had ended before it was cancelled: #{call.thread.value}"
  rescue Cancelled
    nil # as it has to
  end

  def await(call, step)
    limit = limit_s(call.step) + HUNG_S
    call.thread.join(limit) or raise Wrong, "it did not end within #{limit} s"
    result = call.thread.value
    took = result.is_a?(Fault) ? result.took : result.last
    late = call.step.key?("timeout_ms") && took > limit_s(call.step) + LATE_S
    raise Wrong, "it took #{took} s" if late
    return check_fault(step, call, result) if result.is_a?(Fault)
    raise Wrong, "it did not fail with #{step["error"]}, it gave #{result.first}" if step["error"]

    settle(step, call, result.first)
  end

  def check_fault(step, call, fault)
    error = fault.error
    raise Wrong, "it failed: #{error.message}" unless step["error"]

    same(error, "kind", step["error"], error.kind)
    same(error, "operation", step.fetch("error_op", call.op), error.operation)
    same(error, "path", step.fetch("error_path", call.path), error.path)
    lacks = step.key?("error_detail") && !error.detail.include?(step["error_detail"])
    raise Wrong, "its detail lacks `#{step["error_detail"]}`: #{error.message}" if lacks

    early = error.is_a?(Doozer::Timeout) && call.step.key?("timeout_ms") && fault.took + EARLY_S < limit_s(call.step)
    raise Wrong, "it timed out after #{fault.took} s" if early
  end

  # Holds what a call gave against the step, and keeps what came of it.
  def settle(step, call, given)
    rev = given[:rev]
    same(given, "revision", resolve(step["expect_rev"]), rev) if step.key?("expect_rev")
    above = resolve(step["expect_rev_above"])
    raise Wrong, "revision: #{rev} and nothing above #{above}" if above && (rev.nil? || rev <= above)
    raise Wrong, "it is not missing: #{given}" if step["expect_missing"] && !(given[:missing] && rev.zero?)

    expected = value(step, "expect_value", "expect_")
    same(given, "value", expected, given[:value]) if expected
    same(given, "path", step["expect_path"], given[:path]) if step.key?("expect_path")
    same(given, "change", step["expect_change"], given[:kind].to_s) if step.key?("expect_change")
    same(given, "len", step["expect_len"], given[:len]) if step.key?("expect_len")
    same(given, "names", step["expect_names"].split, given[:names]) if step.key?("expect_names")
    same(given, "values", step["expect_values"].split.map(&:b), given[:values]) if step.key?("expect_values")
    same(given, "count", step["expect_count"], given[:names]&.size) if step.key?("expect_count")
    raise Wrong, "values came" if step["keys_only"] && given[:values].any?
    raise Wrong, "no member's id: #{given}" if step["expect_member"] &&
                                               (given[:text] != @node.id || given[:text].size < 16)

    @locks[call.step["lock"]] = given[:lock] if given[:lock]
    @saved[step["save"]] = rev || raise(Wrong, "it gives no revision to save") if step["save"]
  end

  def same(whole, what, expected, found)
    raise Wrong, "#{what}: #{found.inspect} and not #{expected.inspect}: #{whole}" unless expected == found
  end
end

# A scenario's outcome: nil, or why it failed.
def failure(scenario)
  return "no scenario has #{scenario["unknown"].join(", ")}" if scenario["unknown"]

  Timeout.timeout(60) do
    world = World.new(scenario)
    begin
      world.run
    ensure
      world.close
    end
  end
  nil
rescue StandardError => e
  e.is_a?(Wrong) ? e.message : e.full_message(highlight: false)
end

directory, output, part = ARGV
directory ||= File.expand_path("../spec/conformance", __dir__)
files = Dir[File.join(directory, "*.toml")].sort
abort "#{directory}: there are no scenarios (*.toml)" if files.empty?
twice = files.flat_map { |path| Files.read(path) }.flat_map do |scenario|
  embedded = scenario.merge("name" => "#{scenario["name"]}@embedded", "via" => "embedded")
  scenario["also_embedded"] ? [scenario, embedded] : [scenario]
end
lines = twice.select { |scenario| scenario["name"].include?(part.to_s) }.map do |scenario|
  why = failure(scenario)
  warn "#{scenario["file"]}: #{scenario["name"]}: #{why}" if why
  [scenario["name"], why ? "fail" : "pass", why.to_s.gsub(/[\t\r\n]/, " ")].join("\t")
end
if output
  FileUtils.mkdir_p(File.dirname(output))
  File.write(output, lines.map { |line| "#{line}\n" }.join)
end
failed = lines.count { |line| line.include?("\tfail\t") }
puts "conformance in Ruby: #{lines.size - failed} passed, #{failed} failed"
exit(failed.zero? && !lines.empty?)
