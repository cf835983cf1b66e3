# frozen_string_literal: true

# What calls cost: `ruby bench.rb URI`, with the gem installed and a member at URI. Prints lines `NAME VALUE`.

require "doozer"

VALUE = ("x" * 128).freeze

def now_ns = Process.clock_gettime(Process::CLOCK_MONOTONIC, :nanosecond)

def median(numbers) = numbers.sort[numbers.size / 2]

# What a step costs, by the median of batches: one is too short for the clock.
def per_call(batches: 101, calls: 10_000)
  yield calls
  median(Array.new(batches) do
    began = now_ns
    yield calls
    (now_ns - began) / calls
  end)
end

# What a round trip costs: the median of many, one after another.
def per_trip(trips = 10_000)
  (trips / 10).times { yield }
  median(Array.new(trips) do
    began = now_ns
    yield
    now_ns - began
  end)
end

def rss_kb = File.read("/proc/self/status")[/VmRSS:\s+(\d+)/, 1].to_i

# As often as said: five kinds of calls in turn.
def mixed(client, node, count)
  (count / 5).times do |i|
    path = "/mixed/#{i % 1_000}"
    rev = client.set(path, VALUE, -1)
    client.get(path)
    client.stat(path)
    node.get_local("/files/#{i % 1_000}")
    client.wait(path, rev)
  end
  GC.start
end

uri = ARGV.fetch(0) { abort "usage: bench.rb URI" }
report = ->(name, value) { puts "#{name} #{value}" }
$stdout.sync = true

report.call("noop_ns", per_call { |calls| calls.times { Doozer._noop } })
Doozer::Node.start do |node|
  paths = Array.new(1_000) { |i| "/files/#{i}" }
  node.client { |client| paths.each { |path| client.set(path, VALUE, 0) } }
  report.call("embedded_get_ns", per_call { |calls| calls.times { |i| node.get_local(paths[i % 1_000]) } })
  report.call("noop_async_ns", per_trip { Doozer._noop_async })
  Doozer.connect(uri) do |client|
    client.set("/bench", VALUE, -1)
    report.call("remote_get_ns", per_trip { client.get("/bench") })
    mixed(client, node, 20_000)
    report.call("rss_before_kb", rss_kb)
    mixed(client, node, 100_000)
    report.call("rss_after_kb", rss_kb)
  end
end
