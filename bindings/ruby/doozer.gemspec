# frozen_string_literal: true

require_relative "lib/doozer/version"

# The sources of the core are beside it only in a stage: see stage.rb.
raise "build the gem with `rake gem` in bindings/ruby" unless File.exist?(File.join(__dir__, "ext/Cargo.lock"))

Gem::Specification.new do |gem|
  gem.name = "doozer"
  gem.version = Doozer::VERSION
  gem.summary = "A highly available, consistent store for small, extremely important data"
  gem.description = "Doozer's client and embedded member: the core in Rust, natively in Ruby. The gem carries the " \
                    "core's sources and is compiled when it is installed."
  gem.authors = ["The Doozer authors"]
  gem.homepage = "https://github.com/doozer/doozer"
  gem.license = "MIT"
  gem.metadata = { "rubygems_mfa_required" => "true" }
  gem.required_ruby_version = ">= 3.1"
  gem.platform = Gem::Platform::RUBY
  gem.files = Dir.chdir(__dir__) { Dir["{lib,sig,ext}/**/*", "README.md", "LICENSE"].select { |path| File.file?(path) } }
  gem.extensions = ["ext/doozer/extconf.rb"]
  gem.require_paths = ["lib"]
end
