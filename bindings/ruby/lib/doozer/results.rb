# frozen_string_literal: true

# What calls give: frozen structs that can be taken apart (`value, rev = client.get("/a")`, `in {path:, rev:}`).

module Doozer
  # A file: its value, a frozen binary string, or nil if there is no such file; and the revision that wrote it, or 0.
  File = Struct.new(:value, :rev)

  # A change of a file: its path, its value (empty if it was deleted), the revision the change made, and its kind, :set or
  # :del.
  Event = Struct.new(:path, :value, :rev, :kind) do
    # Whether the file was written.
    def set? = kind == :set

    # Whether the file was deleted.
    def del? = kind == :del
  end

  # A file of a walk or a list: its path, its value (nil if only the paths were asked for), the revision that wrote it, and
  # the value's length in bytes.
  Entry = Struct.new(:path, :value, :rev, :len)

  # What is at a path: a file's length in bytes or a directory's number of entries; and the revision that wrote the file,
  # 0 if there is nothing, -2 if there is a directory.
  Stat = Struct.new(:len, :rev) do
    # Whether there is a directory.
    def dir? = rev == -2

    # Whether there is a file.
    def file? = rev.positive?
  end

  [File, Event, Entry, Stat].each do |struct|
    # So that it is taken apart by an assignment and by a block's arguments.
    struct.alias_method(:to_ary, :to_a)
    # All of them are frozen.
    struct.members.each { |member| struct.undef_method(:"#{member}=") }
    struct.undef_method(:[]=)
  end
end
