# frozen_string_literal: true

# Lays out what the gem is made of: this folder, and the sources of the core with a workspace of their own, whose lock
# file names the same versions as the repository's. `rake gem` runs it.

require "fileutils"

# A folder the gem is built in.
class Stage
  # From where in the repository to where in the gem. Each is a crate.
  CRATES = {
    **%w[store paxos wire journal member node client].to_h { |name| ["core/#{name}", "ext/core/#{name}"] },
    "ffi/bridge" => "ext/ffi/bridge",
    "bindings/ruby/ext/doozer" => "ext/doozer"
  }.freeze
  # Parts of a manifest that only the repository has use for.
  TESTING = /\A\[?\[(dev-dependencies|bench|example|test)\b/

  def initialize(repository, folder)
    @repository = repository
    @folder = folder
  end

  def make
    FileUtils.rm_rf(@folder)
    FileUtils.mkdir_p(@folder)
    %w[bindings/ruby/doozer.gemspec bindings/ruby/README.md bindings/ruby/lib bindings/ruby/sig LICENSE].each do |path|
      FileUtils.cp_r(File.join(@repository, path), @folder)
    end
    CRATES.each { |from, to| copy_crate(File.join(@repository, from), File.join(@folder, to)) }
    write("ext/Cargo.toml", workspace(sections(read("Cargo.toml"))))
    lock
  end

  private

  def read(path) = File.read(File.join(@repository, path))

  def write(path, text) = File.write(File.join(@folder, path), text)

  def copy_crate(from, into)
    FileUtils.mkdir_p(into)
    %w[src build.rs extconf.rb].map { |name| File.join(from, name) }.select { |path| File.exist?(path) }
                               .each { |path| FileUtils.cp_r(path, into) }
    kept = sections(File.read(File.join(from, "Cargo.toml"))).reject { |head, _| TESTING.match?(head) }
    File.write(File.join(into, "Cargo.toml"), kept.map(&:last).join)
  end

  # A manifest's sections: the first line of each, and its text.
  def sections(manifest) = manifest.split(/^(?=\[)/).map { |text| [text[/\A.*/], text] }

  # The repository's workspace, with the gem's crates as members.
  def workspace(sections)
    members = CRATES.values.map { |path| path.delete_prefix("ext/") }
    kept = sections.filter_map do |head, text|
      case head
      when "[workspace.dependencies]" then text.lines.reject { |line| left_out?(line, members) }.join
      when "[workspace.package]", /\A\[workspace\.lints/, "[profile.release]" then text
      end
    end
    ["# The gem's own workspace, made of the repository's by stage.rb.\n[workspace]\nresolver = \"3\"\n",
     "members = #{members.inspect}\n\n", *kept].join
  end

  # Whether a dependency is a crate of the repository that the gem does without.
  def left_out?(line, members)
    path = line[/path = "([^"]+)"/, 1]
    path && !members.include?(path)
  end

  # The repository's lock file without what only others need. Cargo leaves out what is not needed any more; nothing else
  # may change.
  def lock
    write("ext/Cargo.lock", read("Cargo.lock"))
    manifest = File.join(@folder, "ext/Cargo.toml")
    update = ["cargo", "update", "--quiet", "--workspace", "--manifest-path", manifest]
    system(*update, "--offline", err: File::NULL) || system(*update) || raise("the lock file cannot be made")
    strange = packages(File.read(File.join(@folder, "ext/Cargo.lock"))) - packages(read("Cargo.lock"))
    raise "not the repository's versions: #{strange.inspect}" unless strange.empty?
  end

  # Each package's name, version and checksum.
  def packages(lock)
    lock.split("[[package]]\n").drop(1).map { |text| %w[name version checksum].map { |key| text[/^#{key} = "(.*)"/, 1] } }
  end
end
