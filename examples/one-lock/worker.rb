# frozen_string_literal: true

# One of several programs that take turns on one lock and append to one file; `run` beside this file starts them.
#
# ruby examples/one-lock/worker.rb 127.0.0.1:8046 /locks/one /tmp/turns.txt ruby 10

require "doozer"

abort "usage: worker.rb URI PATH FILE NAME TURNS" unless ARGV.size == 5
uri, path, file, name, turns = ARGV

# One write, so that lines of others cannot come in between.
append = ->(line) { File.open(file, "a") { |io| io.syswrite("#{line}\n") } }

Doozer.connect(uri) do |client|
  client.set("/one-lock/ready/#{name}", "", -1)
  client.wait("/one-lock/go", 1)
  Integer(turns).times do
    client.lock(path) do |lock|
      append.call("#{name} #{lock.rev} begin")
      # Time for the others to come in between, if they could.
      client.nop
      append.call("#{name} #{lock.rev} end")
    end
  end
end
