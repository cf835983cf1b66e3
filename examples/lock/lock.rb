# frozen_string_literal: true

# The talk's lock: a file that exists while somebody holds it.
#
# ruby examples/lock/lock.rb 127.0.0.1:8046 /locks/x

require "doozer"

uri = ARGV.fetch(0, "127.0.0.1:8046")
path = ARGV.fetch(1, "/locks/x")
$stdout.sync = true

Doozer.connect(uri) do |client|
  client.lock(path) do |lock|
    # The token grows from holder to holder: what the lock protects can refuse one who is late.
    puts "held #{lock.rev}"
    $stdin.gets
  end
  puts "given back"
end
