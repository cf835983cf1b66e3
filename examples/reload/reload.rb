# frozen_string_literal: true

# The talk's reload loop: a program that hears of each change of its configuration.
#
# ruby examples/reload/reload.rb 127.0.0.1:8046 /myapp.conf

require "doozer"

uri = ARGV.fetch(0, "127.0.0.1:8046")
path = ARGV.fetch(1, "/myapp.conf")
$stdout.sync = true

Doozer.connect(uri) do |client|
  # First the file as it is, then as it is after each change. None is missed, whatever happens to connections.
  client.config(path) do |value, rev|
    puts value ? "#{path} #{rev} #{value}" : "#{path} is not there"
  end
rescue Interrupt
  # Ctrl-C: how it ends.
end
